import { setTimeout as delay } from 'node:timers/promises';

/** Counters of a Temporal server. */
export interface ServerCounts {
  /** Actions by the rules of Temporal Cloud, which bills them. */
  readonly actions: number;
  /** gRPC calls to each service, without those by which a benchmark polls for progress. */
  readonly calls: Readonly<Record<Service, number>>;
  /** What each service asks of the database. */
  readonly persistence: Readonly<Record<Service, number>>;
}

type Service = 'frontend' | 'history' | 'matching';

const REPORT_MS = 3000;

/**
 * Waits until the number of actions no longer grows: the server reports about once per second.
 *
 * @param metricsPorts of each of its processes
 */
export async function settledServerCounts(metricsPorts: readonly number[]): Promise<ServerCounts> {
  for (let before = await readServerCounts(metricsPorts); ;) {
    await delay(REPORT_MS);
    const now = await readServerCounts(metricsPorts);
    if (now.actions === before.actions) return now;
    before = now;
  }
}

async function readServerCounts(metricsPorts: readonly number[]): Promise<ServerCounts> {
  const texts = metricsPorts.map(async (port) => {
    const response = await fetch(`http://127.0.0.1:${port}/metrics`);
    return response.text();
  });
  const lines = (await Promise.all(texts)).flatMap((text) => text.split('\n'));
  const sum = (metric: string, labels: RegExp) =>
    lines
      .filter((line) => line.startsWith(`${metric}{`) && labels.test(line))
      .reduce((total, line) => total + Number(line.split(' ').at(-1)), 0);
  const byService = (metric: string) => ({
    frontend: sum(metric, labelsOf('frontend')),
    history: sum(metric, labelsOf('history')),
    matching: sum(metric, labelsOf('matching')),
  });
  return {
    actions: sum('action', /./),
    calls: byService('service_requests'),
    persistence: byService('persistence_requests'),
  };
}

const labelsOf = (service: string) =>
  new RegExp(`^(?=.*service_name="${service}")(?!.*operation="CountWorkflowExecutions")`);
