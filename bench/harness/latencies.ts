import { setTimeout as delay } from 'node:timers/promises';
import { uniqueName } from '../../test/support/stack.ts';
import type { TestSystem } from '../../test/support/system.ts';
import { orderText } from './orders.ts';

const POLL_MS = 100;

/** Calls `send` once per order, evenly spaced. */
export async function paced(
  count: number,
  pauseMs: number,
  send: (n: number) => Promise<unknown>,
): Promise<void> {
  const begin = performance.now();
  const sent: Promise<unknown>[] = [];
  for (let n = 0; n < count; n += 1) {
    await delay(Math.max(0, begin + n * pauseMs - performance.now()));
    sent.push(send(n));
  }
  await Promise.all(sent);
}

/**
 * Sends orders to the topic, evenly spaced, and waits until all are stored. Returns how long each took, in
 * milliseconds, from the moment it was sent to the time of its row.
 *
 * @param onSent called when the last order has been sent
 */
export async function orderLatencies(
  {
    topic,
    database,
    table = 'orders',
    messageOf = orderText,
  }: Pick<TestSystem, 'topic' | 'database'> & {
    readonly table?: string;
    readonly messageOf?: (orderId: string) => string;
  },
  count: number,
  pauseMs: number,
  onSent: () => Promise<void> = () => Promise.resolve(),
): Promise<readonly number[]> {
  const run = uniqueName('latency');
  const sentAt = new Map<string, number>();
  await paced(count, pauseMs, (n) => {
    const orderId = `${run}-${n}`;
    sentAt.set(orderId, Date.now());
    return topic.send([{ key: orderId, value: messageOf(orderId) }]);
  });
  await onSent();
  for (;;) {
    const { rows } = await database.pool.query<{ order_id: string; ms: number }>(
      `SELECT order_id, extract(epoch FROM ingested_at)::float8 * 1000 AS ms FROM ${table} WHERE starts_with(order_id, $1)`,
      [run],
    );
    if (rows.length === count) {
      return rows.map(({ order_id, ms }) => ms - (sentAt.get(order_id) ?? 0));
    }
    await delay(POLL_MS);
  }
}

export function percentileOf(figures: readonly number[], percentile: number): number {
  const sorted = [...figures].sort((a, b) => a - b);
  return sorted[Math.ceil((percentile / 100) * sorted.length) - 1] ?? Number.NaN;
}
