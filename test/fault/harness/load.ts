import { setTimeout as delay } from 'node:timers/promises';
import kafkajs from 'kafkajs';
import type { Random } from './random.ts';

/**
 * What a message tests; its key starts with it. `duplicate` repeats an earlier order, `conflict` changes one,
 * `invalid` has an order ID but is not a valid order, `broken` has no usable order ID.
 */
export type Purpose = 'good' | 'duplicate' | 'conflict' | 'invalid' | 'broken';

export interface ExpectedOrder {
  readonly order_id: string;
  readonly created_at: string;
  readonly customer_name: string;
  readonly total_price: string;
  readonly line_items: readonly {
    readonly product_id: string;
    readonly quantity: number;
    readonly unit_price: string;
  }[];
}

export interface Load {
  /** The orders that have to be stored, by ID. */
  readonly expected: ReadonlyMap<string, ExpectedOrder>;
  /** When each of them was sent, in milliseconds since 1970. */
  readonly sentAt: ReadonlyMap<string, number>;
  /** The number of messages sent so far. */
  sent(): number;
  /** The longest time that the broker took to acknowledge a batch of messages, since the last call. */
  slowestSendMs(): number;
  /** Sends about this many messages per second until `stop`, also across outages of the broker. */
  run(perSecond: number): Promise<void>;
  send(count: number): Promise<void>;
  /** Sends messages of one purpose only. */
  sendOnly(purpose: 'good' | 'broken', count: number): Promise<void>;
  stop(): void;
  close(): Promise<void>;
}

const BROKEN: readonly [string | null, ...(string | null)[]] = [
  'not JSON',
  '{"order_id": ',
  '[]',
  '{"customer_name": "nobody"}',
  '{"order_id": " "}',
  null,
];

/**
 * Sends messages of all purposes, most of them good.
 *
 * @param brokers one or more, separated by commas
 * @param idPrefix of the order IDs: loads of one system must not send orders with the same ID
 */
export function createLoad(
  brokers: string,
  topic: string,
  partitions: number,
  random: Random,
  idPrefix = '',
): Load {
  const kafka = new kafkajs.Kafka({
    brokers: brokers.split(','),
    logLevel: kafkajs.logLevel.NOTHING,
    retry: { initialRetryTime: 100, maxRetryTime: 1000, retries: 100 },
  });
  const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1 });
  const expected = new Map<string, ExpectedOrder>();
  const sentAt = new Map<string, number>();
  let count = 0;
  let slowestMs = 0;
  let stopped = false;
  let connected: Promise<void> | undefined;

  const good = () => {
    const order = makeOrder(`${idPrefix}order-${count}`, random);
    expected.set(order.order_id, order);
    sentAt.set(order.order_id, Date.now());
    return keyed('good', order.order_id, JSON.stringify(order));
  };
  const broken = () => keyed('broken', `${idPrefix}broken-${count}`, random.pick(BROKEN));
  const message = (): { key: string; value: string | null; partition: number } => {
    count += 1;
    const dice = random.next();
    const earlier =
      dice < 0.15 && expected.size > 0 ? nth(expected, random.below(expected.size)) : undefined;
    if (earlier) {
      const isConflict = dice < 0.05;
      const order = isConflict ? { ...earlier, customer_name: `Other ${count}` } : earlier;
      const value = isConflict
        ? JSON.stringify(order)
        : JSON.stringify(order, undefined, ' ').replaceAll('\n', ' ');
      return keyed(isConflict ? 'conflict' : 'duplicate', earlier.order_id, value);
    }
    if (dice < 0.25) return broken();
    if (dice < 0.3) {
      const id = `${idPrefix}invalid-${count}`;
      return keyed('invalid', id, JSON.stringify({ ...makeOrder(id, random), line_items: [] }));
    }
    return good();
  };
  /** Sends all messages of one order to one partition. */
  const keyed = (purpose: Purpose, id: string, value: string | null) => ({
    key: `${purpose} ${id}`,
    value,
    partition: Buffer.from(id).reduce((sum, byte) => sum + byte, 0) % partitions,
  });
  const send = async (size: number, make = message) => {
    await (connected ??= producer.connect());
    const startedAt = Date.now();
    const messages = Array.from({ length: size }, () => make());
    // One partition per call: if the leaders of two partitions change during a call, kafkajs 2.2.4 may repeat
    // the call for one of them only, and report success.
    for (const partition of new Set(messages.map((one) => one.partition))) {
      const ofPartition = messages.filter((one) => one.partition === partition);
      await producer.send({ topic, acks: -1, messages: ofPartition });
    }
    slowestMs = Math.max(slowestMs, Date.now() - startedAt);
  };
  return {
    expected,
    sentAt,
    sent: () => count,
    slowestSendMs() {
      const slowest = slowestMs;
      slowestMs = 0;
      return slowest;
    },
    send: (size) => send(size),
    sendOnly: (purpose, size) =>
      send(size, () => {
        count += 1;
        return purpose === 'good' ? good() : broken();
      }),
    async run(perSecond) {
      while (!stopped) {
        await send(Math.max(1, Math.round(perSecond / 5)));
        await delay(200);
      }
    },
    stop: () => (stopped = true),
    close: () => producer.disconnect(),
  };
}

function makeOrder(id: string, random: Random): ExpectedOrder {
  return {
    order_id: id,
    created_at: `2026-11-${String(1 + random.below(24)).padStart(2, '0')}T09:30:00.${String(random.below(1_000_000)).padStart(6, '0')}Z`,
    customer_name: `Customer ${random.below(1000)} é`,
    total_price: `${random.below(100_000)}.${String(random.below(100)).padStart(2, '0')}`,
    line_items: Array.from({ length: 1 + random.below(3) }, (_, n) => ({
      product_id: `P-${n}`,
      quantity: 1 + random.below(9),
      unit_price: `${random.below(100)}.50`,
    })),
  };
}

function nth<Value>(map: ReadonlyMap<string, Value>, index: number): Value | undefined {
  let left = index;
  for (const value of map.values()) {
    if (left === 0) return value;
    left -= 1;
  }
  return undefined;
}
