import { setTimeout as delay } from 'node:timers/promises';

/** What a Temporal server counts of itself. */
export interface ServerCounts {
  /** By the rules of Temporal Cloud, which bills by them. */
  readonly actions: number;
  /** gRPC calls to the frontend, except the ones by which a benchmark asks how far it is. */
  readonly calls: number;
}

const REPORT_MS = 3000;

/** The server reports every second or so: waits until nothing more is added to the actions. */
export async function settledServerCounts(metricsPort: number): Promise<ServerCounts> {
  for (let before = await readServerCounts(metricsPort); ;) {
    await delay(REPORT_MS);
    const now = await readServerCounts(metricsPort);
    if (now.actions === before.actions) return now;
    before = now;
  }
}

async function readServerCounts(metricsPort: number): Promise<ServerCounts> {
  const response = await fetch(`http://127.0.0.1:${metricsPort}/metrics`);
  const lines = (await response.text()).split('\n');
  const sum = (metric: string, labels: RegExp) =>
    lines
      .filter((line) => line.startsWith(`${metric}{`) && labels.test(line))
      .reduce((total, line) => total + Number(line.split(' ').at(-1)), 0);
  return {
    actions: sum('action', /./),
    calls: sum(
      'service_requests',
      /^(?=.*service_name="frontend")(?!.*operation="CountWorkflowExecutions")/,
    ),
  };
}
