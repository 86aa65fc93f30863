import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import { VERSION } from '../program/version.ts';
import { measureEventLoopLag, WITHOUT_EVENT_LOOP_LAG } from './event-loop-lag.ts';
import type { Conditions } from './health/health.ts';

/** A registry with the metrics of every program: readiness, version, process, event loop and heap. */
export function createProgramRegistry(readiness: Conditions): Registry {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry, ...WITHOUT_EVENT_LOOP_LAG });
  measureEventLoopLag(registry);
  // Gauges that are named like counters; nodejs_active_resources and others have the same by type.
  for (const kind of ['handles', 'requests', 'resources']) {
    registry.removeSingleMetric(`nodejs_active_${kind}_total`);
  }
  new Gauge({
    name: 'order_ingest_build_info',
    help: 'Always 1; the label is the version of order-ingest.',
    labelNames: ['version'],
    registers,
  }).set({ version: VERSION }, 1);
  new Gauge({
    name: 'order_ingest_ready',
    help: '1 while the program is ready, otherwise 0; /readyz has the reasons.',
    registers,
    collect() {
      this.set(Object.keys(readiness.reasons()).length === 0 ? 1 : 0);
    },
  });
  return registry;
}
