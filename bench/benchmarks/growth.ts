import { setTimeout as delay } from 'node:timers/promises';
import { createTestSystem } from '../../test/support/system.ts';
import type { Sample } from '../harness/compare.ts';
import { countStored } from '../harness/counts.ts';
import { fillTopic } from '../harness/fill-topic.ts';
import type { Benchmark } from './benchmark.ts';

const SMALL = 2000;
const LARGE = 100_000;
/** Of the backlog's orders, how many are waited for before and during the measurement. */
const WARM_UP = 300;
const MEASURED = 1200;
const POLL_MS = 50;

export const growth: Benchmark = {
  name: 'growth',
  ratio: `orders to rows while ${LARGE} wait on the topic ÷ while ${SMALL} do`,
  unit: 'orders/s',
  goal: { atLeast: 0.9 },
  prepare: () =>
    Promise.resolve({
      subject: { name: `a backlog of ${LARGE}`, measure: () => underBacklog(LARGE) },
      baseline: { name: `a backlog of ${SMALL}`, measure: () => underBacklog(SMALL) },
      close: () => Promise.resolve(),
    }),
};

async function underBacklog(backlog: number): Promise<Sample> {
  const system = await createTestSystem({ partitions: 4 });
  try {
    await fillTopic(system.topic, backlog);
    const stored = async (count: number) => {
      while ((await countStored(system)) < count) await delay(POLL_MS);
      return performance.now();
    };
    await system.startWorker();
    await system.startBridge();
    const begin = await stored(WARM_UP);
    const end = await stored(WARM_UP + MEASURED);
    return { value: MEASURED / ((end - begin) / 1000) };
  } finally {
    await system.close();
  }
}
