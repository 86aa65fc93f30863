import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import { VERSION } from '../program/version.ts';

/** A registry with what every program tells: its version, its process, Node's event loop and heap. */
export function createProgramRegistry(): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  // Gauges with the name of a counter; nodejs_active_resources and its like tell the same by type.
  for (const kind of ['handles', 'requests', 'resources']) {
    registry.removeSingleMetric(`nodejs_active_${kind}_total`);
  }
  new Gauge({
    name: 'order_ingest_build_info',
    help: 'Always 1; the label has the version.',
    labelNames: ['version'],
    registers: [registry],
  }).set({ version: VERSION }, 1);
  return registry;
}
