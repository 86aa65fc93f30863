import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import { orderText } from '../support/messages.ts';
import { eventually } from '../support/eventually.ts';
import { matches, readQuery, readSeries, type Series } from '../support/promql.ts';
import { createTestSystem } from '../support/system.ts';

/** The queries in deploy/, checked against the metrics of running programs. */
const DEPLOY = path.join(import.meta.dirname, '../../deploy');
const read = (file: string) => readFileSync(path.join(DEPLOY, file), 'utf8');

interface Dashboard {
  readonly panels: readonly {
    readonly title: string;
    readonly targets?: readonly { readonly expr: string; readonly legendFormat: string }[];
  }[];
}
interface Rules {
  readonly groups: readonly {
    readonly rules: readonly { readonly alert: string; readonly expr: string }[];
  }[];
}

const PANELS = (JSON.parse(read('grafana/order-ingest.json')) as Dashboard).panels.flatMap(
  ({ title, targets = [] }) =>
    targets.map(({ expr, legendFormat }) => [`${title}: ${expr}`, expr, legendFormat] as const),
);
const ALERTS = (parse(read('prometheus/alerts.yml')) as Rules).groups.flatMap(({ rules }) =>
  rules.map(({ alert, expr }) => [alert, expr] as const),
);

let exported: readonly Series[];
beforeAll(async () => {
  const system = await createTestSystem();
  try {
    const [bridge, worker] = await Promise.all([
      system.startBridge({ BRIDGE_LAG_INTERVAL_MS: '100' }),
      system.startWorker(),
    ]);
    await system.topic.send([
      { key: 'a', value: orderText('a') },
      { key: 'b', value: 'no JSON' },
    ]);
    await system.allCommitted();
    await eventually(async () => {
      expect(await system.status('a')).toBe('COMPLETED');
    });
    const metricsOf = async (program: typeof bridge) =>
      (await program.http('GET', '/metrics')).body;
    await eventually(async () => {
      exported = [
        ...readSeries(await metricsOf(bridge), 'order-ingest-bridge'),
        ...readSeries(await metricsOf(worker), 'order-ingest-worker'),
        // Prometheus adds this one itself.
        { name: 'up', labels: { job: 'order-ingest-bridge', instance: 'here' } },
        { name: 'up', labels: { job: 'order-ingest-worker', instance: 'here' } },
      ];
      // Those that need an answer: of the broker about the lag, and of the SDK.
      const names = new Set(exported.map(({ name }) => name));
      expect(names).toContain('order_ingest_consumer_lag_messages');
      expect(names).toContain('temporal_worker_task_slots_available');
    });
    await bridge.end('SIGTERM');
    // What only a bridge with a worker in the same process exports.
    const both = await system.startBoth();
    exported = [...exported, ...readSeries(await metricsOf(both), 'order-ingest-bridge')];
  } finally {
    await system.close();
  }
});

function check(query: string): void {
  const { selectors, groupedBy } = readQuery(query);
  expect(selectors).not.toEqual([]);
  for (const selector of selectors) {
    const found = exported.filter((series) => matches(selector, series));
    expect({ selector, found: found.length > 0 }).toEqual({ selector, found: true });
    for (const label of groupedBy) {
      const withLabel = found.filter(({ labels }) => label in labels);
      expect({ selector, label, found: withLabel.length > 0 }).toEqual({
        selector,
        label,
        found: true,
      });
    }
  }
}

test.each(PANELS)(
  'the bridge and the worker export what the dashboard queries: %s',
  (_name, expr, legend) => {
    check(expr);
    // A legend can only show labels that the query keeps.
    const { selectors, groupedBy } = readQuery(expr);
    const aggregates = /\b(sum|max)\b/.test(expr);
    for (const [, label = ''] of legend.matchAll(/\{\{(\w+)\}\}/g)) {
      const kept = aggregates
        ? groupedBy
        : exported
            .filter((series) => matches(selectors[0] ?? { name: '', matchers: [] }, series))
            .flatMap(({ labels }) => Object.keys(labels));
      expect(kept).toContain(label);
    }
  },
);

test.each(ALERTS)('the programs export what the alert %s queries', (_alert, expr) => {
  check(expr);
});
