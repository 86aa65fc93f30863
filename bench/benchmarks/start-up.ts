import { setTimeout as delay } from 'node:timers/promises';
import { MAIN, type LogEvent } from '../../test/support/programs.ts';
import { uniqueName } from '../../test/support/stack.ts';
import { createTestSystem, type TestSystem } from '../../test/support/system.ts';
import type { Sample } from '../harness/compare.ts';
import { medianDuration, RUNS } from '../harness/median-duration.ts';
import { orderText } from '../harness/orders.ts';
import { BRIDGE_CODE, WORKER_CODE } from '../harness/measured-code.ts';
import type { Benchmark } from './benchmark.ts';

const POLL_MS = 20;

export const startUp: Benchmark = {
  name: 'start-up',
  ratio: `duration of \`order-ingest --help\`, the median of ${RUNS} runs`,
  unit: 'ms',
  goal: { atMost: 150 },
  longOnly: true,
  code: ['bench/benchmarks/start-up.ts', ...BRIDGE_CODE, ...WORKER_CODE],
  prepare: () =>
    Promise.resolve({
      subject: { name: 'order-ingest --help', measure: measureStartUp },
      close: () => Promise.resolve(),
    }),
};

async function measureStartUp(): Promise<Sample> {
  const system = await createTestSystem({ partitions: 4, fastSettings: false });
  try {
    const orderId = uniqueName('first');
    await system.topic.send([{ key: orderId, value: orderText(orderId) }]);
    const programs = await programStarts(system, orderId);
    const env = { ...system.bridgeEnv, ...system.workerEnv };
    return {
      value: await medianDuration([MAIN, '--help']),
      figures: {
        'Node alone': await medianDuration(['--eval', '0']),
        '`orders show`': await medianDuration([MAIN, 'orders', 'show', orderId], env),
        ...programs,
      },
    };
  } finally {
    await system.close();
  }
}

/** Both programs start at the same time. The order has been on the topic before. */
async function programStarts(
  system: TestSystem,
  orderId: string,
): Promise<Readonly<Record<string, number>>> {
  const begin = Date.now();
  const [bridge, worker] = await Promise.all([system.startBridge(), system.startWorker()]);
  const [assigned, started] = await Promise.all([
    bridge.logged('partitions_assigned'),
    worker.logged('worker_started'),
  ]);
  const since = (entry: LogEvent) => Date.parse(String(entry['time'])) - begin;
  return {
    'bridge until it reads': since(assigned),
    'worker until it is ready': since(started),
    'both until the first order is stored': (await storedAt(system, orderId)) - begin,
  };
}

async function storedAt({ database }: TestSystem, orderId: string): Promise<number> {
  for (;;) {
    const { rows } = await database.pool.query<{ ms: number }>(
      'SELECT extract(epoch FROM ingested_at)::float8 * 1000 AS ms FROM orders WHERE order_id = $1',
      [orderId],
    );
    if (rows[0]) return rows[0].ms;
    await delay(POLL_MS);
  }
}
