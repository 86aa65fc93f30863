import { setTimeout as delay } from 'node:timers/promises';
import { countRuns } from '../../src/temporal/order-visibility.ts';
import { runCli } from '../../test/support/programs.ts';
import { uniqueName } from '../../test/support/stack.ts';
import { createTestSystem, type TestSystem } from '../../test/support/system.ts';
import type { Sample } from '../harness/compare.ts';
import { fillTopic } from '../harness/fill-topic.ts';
import { orderLatencies, percentileOf } from '../harness/latencies.ts';
import { orderText } from '../harness/orders.ts';
import { BRIDGE_CODE, WORKER_CODE } from '../harness/measured-code.ts';
import type { Benchmark } from './benchmark.ts';

const RERUNS = 1000;
const LIVE = 60;
const LIVE_PAUSE_MS = 80;
const POLL_MS = 200;
const REJECTED = 'Mallory';

/** Live orders beside a re-run of many: at low priority, as by default, and at the priority of live orders. */
export const rerunPriority: Benchmark = {
  name: 'rerun-priority',
  ratio: `p99 of the time from message to row of live orders, 12 per second, while ${RERUNS} re-runs are open, at low priority ÷ at the same priority as the live orders`,
  unit: 'ms',
  goal: { atMost: 0.1 },
  longOnly: true,
  code: ['bench/benchmarks/rerun-priority.ts', ...BRIDGE_CODE, ...WORKER_CODE],
  async prepare() {
    const system = await createTestSystem({ partitions: 4, fastSettings: false });
    // An order that Postgres rejects fails at once, and can be re-run and fail again in every round.
    await system.database.pool.query(
      `ALTER TABLE orders ADD CONSTRAINT rejected CHECK (customer_name <> '${REJECTED}')`,
    );
    const worker = await system.startWorker();
    await system.startBridge();
    await fillTopic(system.topic, RERUNS, uniqueName('rejected'), (orderId) =>
      orderText(orderId, { customer_name: REJECTED }),
    );
    await untilRuns(system, 'failed', (failed) => failed >= RERUNS);
    await worker.end('SIGTERM');
    return {
      subject: { name: 'low priority', measure: () => liveBesideReruns(system, '5') },
      baseline: { name: 'same priority', measure: () => liveBesideReruns(system, '3') },
      close: () => system.close(),
    };
  },
};

/** Re-runs all failed orders while no worker runs, starts a worker and sends live orders. */
async function liveBesideReruns(system: TestSystem, priority: string): Promise<Sample> {
  const { exitCode, stderr } = await runCli(
    ['orders', 'rerun', '--failed', '--yes', '--rate', '10000', '--priority', priority],
    { ...system.bridgeEnv, ...system.workerEnv },
  );
  if (exitCode !== 0) throw new Error(stderr);
  await untilRuns(system, 'running', (running) => running >= RERUNS);
  const worker = await system.startWorker();
  let left = Number.NaN;
  const latencies = await orderLatencies(system, LIVE, LIVE_PAUSE_MS, async () => {
    left = await countRunning(system);
  });
  await untilRuns(system, 'running', (running) => running === 0);
  await worker.end('SIGTERM');
  return {
    value: percentileOf(latencies, 99),
    figures: {
      p50: percentileOf(latencies, 50),
      // If none is left, the re-runs have ended before the last live order was sent.
      'open orders when the last live one was sent': left,
    },
  };
}

const runs = (system: TestSystem, status: 'running' | 'failed') =>
  countRuns(
    { client: system.client, workflowIdPrefix: system.workflowId('') },
    { statuses: [status] },
  );
const countRunning = (system: TestSystem) => runs(system, 'running');

async function untilRuns(
  system: TestSystem,
  status: 'running' | 'failed',
  isReached: (count: number) => boolean,
): Promise<void> {
  while (!isReached(await runs(system, status))) await delay(POLL_MS);
}
