import { setTimeout as delay } from 'node:timers/promises';
import { countRuns } from '../../src/temporal/order-visibility.ts';
import { createTestTopic } from '../../test/support/kafka.ts';
import { createTestSystem, type TestSystem } from '../../test/support/system.ts';
import { startTcpProxy } from '../../test/support/tcp-proxy.ts';
import type { Sample } from '../harness/compare.ts';
import { countStored } from '../harness/counts.ts';
import { fillTopic } from '../harness/fill-topic.ts';
import { orderLatencies, percentileOf } from '../harness/latencies.ts';
import { createOrderSystem } from '../harness/order-system.ts';
import { BRIDGE_CODE, WORKER_CODE } from '../harness/measured-code.ts';
import type { Benchmark } from './benchmark.ts';

const COUNT = 50_000;
/** Long enough for the retries of the first orders to be a minute apart. */
const OUTAGE_MS = 150_000;
const LIVE = 40;
const LIVE_PAUSE_MS = 500;
const POLL_MS = 100;
/** Over how long the rate is measured to tell when it is normal again. */
const RATE_INTERVAL_MS = 3000;

/**
 * Orders that arrive while Postgres is unreachable, once it is reachable again. Its figures: the orders that are open in
 * Temporal at the recovery; from then on, the seconds until the first of them is stored, and until 0.9 of the later rate
 * is reached; the latency of orders on another topic that arrive from the recovery on; and that of one that is sent to
 * the end of the backlog at the recovery.
 */
export const outageEnd: Benchmark = {
  name: 'outage-end',
  ratio: `${COUNT.toLocaleString('en')} orders that arrived while Postgres was unreachable for ${OUTAGE_MS / 1000} s, from its recovery to the last row ÷ the same backlog without an outage`,
  unit: 'orders/s',
  goal: { atLeast: 0.8 },
  code: ['bench/benchmarks/outage-end.ts', ...BRIDGE_CODE, ...WORKER_CODE],
  longOnly: true,
  async prepare({ pids }) {
    const orders = await createOrderSystem(pids);
    return {
      subject: { name: 'after an outage', measure: afterOutage },
      baseline: { name: 'without an outage', measure: () => orders.ingest(COUNT) },
      // So many orders warm up by themselves.
      needsWarmUp: false,
      close: () => orders.close(),
    };
  },
};

async function afterOutage(): Promise<Sample> {
  const system = await createTestSystem({ partitions: 4, fastSettings: false });
  const { topic, database } = system;
  const quiet = await createTestTopic({ partitions: 1, groupId: topic.groupId });
  const url = new URL(database.url);
  const proxy = await startTcpProxy(url.host);
  url.host = `127.0.0.1:${proxy.port}`;
  try {
    await system.startWorker({ DATABASE_URL: url.href });
    await system.startBridge({ KAFKA_TOPIC: `${topic.name},${quiet.name}` });
    await fillTopic(topic, 1);
    await untilStored(system, 1);

    await proxy.cut();
    const cutAt = performance.now();
    await fillTopic(topic, COUNT);
    await delay(cutAt + OUTAGE_MS - performance.now());
    const retrying = await countRuns(
      { client: system.client, workflowIdPrefix: system.workflowId('') },
      { statuses: ['running'] },
    );

    await proxy.restore();
    const recoveredAt = performance.now();
    const behind = orderLatencies({ topic, database }, 1, 0);
    const latencies = orderLatencies({ topic: quiet, database }, LIVE, LIVE_PAUSE_MS);
    // All but the first, which was stored before the outage.
    const count = COUNT + 1 + LIVE;
    const history = await untilStored(system, 1 + count);
    const secondsUntil = (at: number) => (at - recoveredAt) / 1000;
    const last = history.at(-1)?.at ?? Number.NaN;
    const rate = count / secondsUntil(last);
    const live = await latencies;
    const [behindMs = Number.NaN] = await behind;
    return {
      value: rate,
      figures: {
        'open-orders': retrying,
        'first-order-s': secondsUntil(history.find(({ stored }) => stored > 1)?.at ?? Number.NaN),
        'rate-s': secondsUntil(reachesRate(history, 0.9)),
        'live-p50-s': percentileOf(live, 50) / 1000,
        'live-p99-s': percentileOf(live, 99) / 1000,
        'behind-backlog-s': behindMs / 1000,
      },
    };
  } finally {
    await system.close();
    await quiet.close();
    await proxy.close();
  }
}

interface Progress {
  /** As `performance.now()`. */
  readonly at: number;
  readonly stored: number;
}

/** Waits until so many orders are stored. Returns how their number has grown. */
async function untilStored(system: TestSystem, count: number): Promise<readonly Progress[]> {
  const history: Progress[] = [];
  for (;;) {
    const stored = await countStored(system);
    history.push({ at: performance.now(), stored });
    if (stored >= count) return history;
    await delay(POLL_MS);
  }
}

/** When the rate has first reached this share of that of the second half. */
function reachesRate(history: readonly Progress[], share: number): number {
  const last = history.at(-1);
  const middle = history[Math.floor(history.length / 2)];
  if (!last || !middle) return Number.NaN;
  const usual = rateBetween(middle, last);
  for (const [index, begin] of history.entries()) {
    const end = history.slice(index).find(({ at }) => at >= begin.at + RATE_INTERVAL_MS);
    if (end && rateBetween(begin, end) >= share * usual) return begin.at;
  }
  return Number.NaN;
}

const rateBetween = (begin: Progress, end: Progress) =>
  (end.stored - begin.stored) / (end.at - begin.at);
