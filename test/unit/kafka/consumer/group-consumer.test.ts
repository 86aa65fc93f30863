import { Kafka, logLevel } from 'kafkajs';
import { pino } from 'pino';
import type { CommittedOffset } from '../../../../src/kafka/group-positions.ts';
import type {
  ConsumerClientHandlers,
  FetchedBatch,
} from '../../../../src/kafka/consumer/consumer-client.ts';
import { GroupConsumer } from '../../../../src/kafka/consumer/group-consumer.ts';
import type { PartitionBatch } from '../../../../src/kafka/consumer/consumed-message.ts';
import type { TopicPartition } from '../../../../src/kafka/topic-partition.ts';
import { eventually } from '../../../support/eventually.ts';

/** The group's offsets at the broker, by topic. The log of each partition has 1000 messages. */
let committedOf: Record<string, Map<number, CommittedOffset>>;
/** Those of the topic `orders`. */
let committed: Map<number, CommittedOffset>;
/** The topics about which requests fail. */
let unknown: string[];
/** The topics of the requests for offsets. */
let requests: string[];
/** Requests about `returns` wait for this. */
let answer: Promise<void> | undefined;
let isMember: boolean;
/** How commits fail, if they do. */
let failure: Error | undefined;
let calls: string[];
/** The lines of the log, at level info and above. */
let lines: { readonly event: string; readonly topic: string }[];
/** Whether the client is restarting, so that it cannot seek. */
let isRestarting: boolean;
/** The batches that were passed on. Each is in progress until `finish` is called. */
let batches: PartitionBatch[];
let finish: () => void;
let handlers: ConsumerClientHandlers;
let consumer: GroupConsumer;
beforeEach(async () => {
  committed = new Map([
    [0, 10n],
    [1, 20n],
  ]);
  committedOf = { orders: committed, returns: new Map([[0, 500n]]) };
  unknown = [];
  requests = [];
  answer = undefined;
  isMember = true;
  failure = undefined;
  isRestarting = false;
  calls = [];
  lines = [];
  batches = [];
  consumer = createConsumer();
  await consumer.start();
});
afterEach(async () => {
  finish();
  await consumer.stop();
});

async function offsetsOf(topic: string): Promise<Map<number, CommittedOffset>> {
  requests.push(topic);
  if (topic === 'returns') await answer;
  if (unknown.includes(topic)) throw new Error(`no answer about ${topic}`);
  return new Map(committedOf[topic]);
}

function createConsumer(...topics: readonly string[]): GroupConsumer {
  const inProgress = new Promise<void>((resolve) => (finish = resolve));
  return new GroupConsumer(
    {
      kafka: new Kafka({ brokers: ['unused'], logLevel: logLevel.NOTHING }),
      topics: topics.length > 0 ? topics : ['orders'],
      groupId: 'group',
      sessionTimeoutMs: 30_000,
      heartbeatIntervalMs: 3000,
      rebalanceTimeoutMs: 60_000,
      pollTimeoutMs: 100,
      fetchMaxBytes: 1_048_576,
      metadataMaxAgeMs: 60_000,
      commitIntervalMs: 5,
      logger: pino({}, { write: (line) => void lines.push(JSON.parse(line) as never) }),
      onBatch(batch) {
        batches.push(batch);
        return inProgress;
      },
      onLogAnomaly: () => undefined,
      onActivity: () => undefined,
      onCrash: () => undefined,
    },
    {
      group: {
        committed: offsetsOf,
        positions: async (topic) =>
          [...(await offsetsOf(topic))].map(([partition, offset]) => ({
            ...{ partition, committed: offset, low: 0n, high: 1000n },
          })),
        connect: (topic) => ({
          committed: () => offsetsOf(topic),
          isMember: () => Promise.resolve(isMember),
          close: () => Promise.resolve(),
        }),
      },
      createClient(clientHandlers) {
        handlers = clientHandlers;
        return {
          start: () => Promise.resolve(),
          pause: () => undefined,
          seek({ topic, partition }, offset) {
            calls.push(`seek ${nameOf(topic, partition)} to ${offset}`);
            if (isRestarting) throw new Error('not running');
          },
          stopRestarts: () => Promise.resolve(),
          close() {
            calls.push('close');
            return Promise.resolve();
          },
          partitionsWithoutLeader: [orders(1), orders(7), { topic: 'returns', partition: 0 }],
          missingTopics: [],
          disconnectedReason: undefined,
        };
      },
    },
  );
}

const orders = (partition: number): TopicPartition => ({ topic: 'orders', partition });
const RETURNS_0 = { topic: 'returns', partition: 0 };
const nameOf = (topic: string, partition: number): string =>
  topic === 'orders' ? String(partition) : `${topic}/${partition}`;

/** Joins the group with partitions of `orders`. Commits of this generation are listed with the name. */
const join = (name: string, ...partitions: readonly number[]): void => {
  joinWith(name, partitions.map(orders));
};

function joinWith(name: string, partitions: readonly TopicPartition[]): void {
  handlers.onJoin({
    memberId: 'bridge-1',
    partitions,
    commit(topic, offsets) {
      for (const { partition, offset } of offsets) {
        calls.push(`${name} commits ${nameOf(topic, partition)} at ${offset}`);
        if (!failure) committedOf[topic]?.set(partition, offset);
      }
      return failure ? Promise.reject(failure) : Promise.resolve();
    },
  });
}

const fetched = (partition: number, fetchedOffset: bigint, topic = 'orders'): FetchedBatch => ({
  topic,
  partition,
  messages: [],
  fetchedOffset,
  lastOffset: fetchedOffset + 9n,
  heartbeat: () => Promise.resolve(),
  resolve: (nextOffset) => calls.push(`resolve ${nextOffset}`),
});

/** Has a batch fetched, and returns what is passed on. */
async function deliver(
  partition: number,
  fetchedOffset: bigint,
  topic = 'orders',
): Promise<PartitionBatch> {
  const before = batches.length;
  void handlers.onBatch(fetched(partition, fetchedOffset, topic));
  await until(() => batches.length > before);
  const batch = batches.at(-1);
  if (!batch) throw new Error('no batch was passed on');
  return batch;
}

const until = (condition: () => boolean) =>
  eventually(() => {
    expect(condition()).toBe(true);
  });
const has = (call: string) => () => calls.includes(call);

test('what is finished is resolved, committed and not committed again', async () => {
  join('first', 0);
  const batch = await deliver(0, 10n);
  batch.markFinishedUpTo(15n);
  expect(calls).toEqual(['resolve 15']);
  await until(has('first commits 0 at 15'));
  await consumer.stop();
  expect(calls).toEqual(['resolve 15', 'first commits 0 at 15', 'close']);
});

test('a batch holds up others while another partition has no batch in progress', async () => {
  join('first', 0, 1);
  const first = await deliver(0, 10n);
  expect(first.holdsUpOthers()).toBe(true);
  const second = await deliver(1, 20n);
  expect([first.holdsUpOthers(), second.holdsUpOthers()]).toEqual([false, false]);
});

test('a batch of an older generation resolves and commits nothing, also if its partition is back', async () => {
  join('first', 0);
  const zombie = await deliver(0, 10n);
  expect(zombie.revoked.aborted).toBe(false);
  join('second', 0);
  expect(zombie.revoked.aborted).toBe(true);
  zombie.markFinishedUpTo(15n);
  await consumer.stop();
  expect(calls).toEqual(['close']);
});

test('the batch that follows in a newer generation commits with the newer one', async () => {
  join('first', 0);
  await deliver(0, 10n);
  join('second', 0);
  const batch = await deliver(0, 10n);
  batch.markFinishedUpTo(12n);
  await until(has('second commits 0 at 12'));
});

test('a batch that is not the expected one is not passed on, but fetched again', async () => {
  join('first', 0);
  expect(await handlers.onBatch(fetched(0, 30n))).toBe('done');
  expect(calls).toEqual(['seek 0 to 10']);
  // Not assigned.
  expect(await handlers.onBatch(fetched(1, 20n))).toBe('done');
  expect(batches).toEqual([]);
});

test('what is finished is committed before the group is joined again', async () => {
  join('first', 0);
  const batch = await deliver(0, 10n);
  batch.markFinishedUpTo(15n);
  handlers.onRebalance();
  expect(calls).toContain('first commits 0 at 15');
});

test('an offset that has vanished ends the generation, and reading resumes at the start as the same member', async () => {
  join('first', 0, 1);
  const batch = await deliver(0, 10n);
  committed.set(0, 'none');
  batch.markFinishedUpTo(15n);
  await until(() => batch.revoked.aborted);
  await until(has('seek 1 to 20'));
  expect(calls).toEqual(['resolve 15', 'seek 0 to 0', 'seek 1 to 20']);
  expect(consumer.partitions).toEqual(new Set(['orders/0', 'orders/1']));
  const next = await deliver(0, 0n);
  next.markFinishedUpTo(5n);
  await until(has('first commits 0 at 5'));
});

test('an offset that has vanished is no unhandled error while the client restarts', async () => {
  const unhandled: unknown[] = [];
  const listener = (error: unknown) => unhandled.push(error);
  process.on('unhandledRejection', listener);
  try {
    join('first', 0);
    const batch = await deliver(0, 10n);
    isRestarting = true;
    committed.set(0, 'none');
    batch.markFinishedUpTo(15n);
    await until(has('seek 0 to 0'));
    await new Promise(setImmediate);
    expect(unhandled).toEqual([]);
  } finally {
    process.off('unhandledRejection', listener);
  }
});

test('a member that was removed gives up its batches and joins again, once', async () => {
  join('first', 0);
  const batch = await deliver(0, 10n);
  committed.set(0, 17n);
  isMember = false;
  batch.markFinishedUpTo(15n);
  await until(() => batch.revoked.aborted);
  expect(consumer.partitions).toEqual(new Set());
  expect(await handlers.onBatch(fetched(0, 15n))).toBe('rejoin');
  expect(calls).toEqual(['resolve 15']);
  join('second', 0);
  await deliver(0, 17n);
});

test('a commit that the broker rejects for its generation has the member join again', async () => {
  join('first', 0);
  const batch = await deliver(0, 10n);
  failure = Object.assign(new Error('rejected'), { type: 'ILLEGAL_GENERATION' });
  batch.markFinishedUpTo(15n);
  await until(() => batch.revoked.aborted);
  expect(await handlers.onBatch(fetched(0, 15n))).toBe('rejoin');
});

test('an answer that an older generation is fenced does not end a newer one', async () => {
  join('first', 0);
  const batch = await deliver(0, 10n);
  failure = Object.assign(new Error('rejected'), { type: 'ILLEGAL_GENERATION' });
  batch.markFinishedUpTo(15n);
  handlers.onRebalance();
  join('second', 0);
  const { revoked } = await deliver(0, 10n);
  await until(has('first commits 0 at 15'));
  expect(revoked.aborted).toBe(false);
});

test('a commit that fails is tried again, without an end of the generation', async () => {
  join('first', 0);
  const batch = await deliver(0, 10n);
  failure = new Error('the broker is down');
  batch.markFinishedUpTo(15n);
  await until(has('first commits 0 at 15'));
  expect(consumer.commitAgeMs).toBeGreaterThanOrEqual(0);
  failure = undefined;
  await until(() => committed.get(0) === 15n);
  expect(batch.revoked.aborted).toBe(false);
});

test('a client that has ended holds no partition, and its batches commit nothing', async () => {
  join('first', 0);
  const batch = await deliver(0, 10n);
  handlers.onLeave();
  expect(consumer.partitions).toEqual(new Set());
  batch.markFinishedUpTo(15n);
  // The handler of a batch that kafkajs still had.
  expect(await handlers.onBatch(fetched(0, 15n))).toBe('done');
  await consumer.stop();
  expect(calls).toEqual(['close']);
});

test('a batch without any message is moved past when the client skips it', async () => {
  join('first', 0);
  handlers.onInvisibleBatch({ ...orders(0), fetchedOffset: 10n, lastOffset: 19n });
  // Another batch than that.
  handlers.onInvisibleBatchSkipped(orders(0), 12n);
  handlers.onInvisibleBatchSkipped(orders(0), 19n);
  await until(has('first commits 0 at 20'));
});

test('a batch without any message that was fetched in an older generation is not moved past', async () => {
  join('first', 0);
  handlers.onInvisibleBatch({ ...orders(0), fetchedOffset: 10n, lastOffset: 19n });
  join('second', 0);
  handlers.onInvisibleBatchSkipped(orders(0), 19n);
  await deliver(0, 10n);
  await consumer.stop();
  expect(calls).toEqual(['close']);
});

test('only assigned partitions count as offline', () => {
  join('first', 0, 1);
  expect(consumer.offlinePartitions).toEqual([orders(1)]);
});

describe('a consumer of two topics', () => {
  beforeEach(async () => {
    await consumer.stop();
    calls = [];
    consumer = createConsumer('orders', 'returns');
    await consumer.start();
    joinWith('both', [orders(0), RETURNS_0]);
  });

  test('keeps the progress of partitions with the same number apart, and commits both', async () => {
    const ofOrders = await deliver(0, 10n);
    const ofReturns = await deliver(0, 500n, 'returns');
    expect([ofOrders.topic, ofReturns.topic]).toEqual(['orders', 'returns']);
    ofOrders.markFinishedUpTo(15n);
    await until(has('both commits 0 at 15'));
    expect(committedOf['returns']?.get(0)).toBe(500n);
    ofReturns.markFinishedUpTo(507n);
    await until(has('both commits returns/0 at 507'));
    expect(committed.get(0)).toBe(15n);
    expect(consumer.partitions).toEqual(new Set(['orders/0', 'returns/0']));
    expect(consumer.offlinePartitions).toEqual([RETURNS_0]);
  });

  test('sends the commits of both before it joins the group again', async () => {
    const ofOrders = await deliver(0, 10n);
    const ofReturns = await deliver(0, 500n, 'returns');
    ofOrders.markFinishedUpTo(15n);
    ofReturns.markFinishedUpTo(507n);
    handlers.onRebalance();
    expect(calls).toContain('both commits 0 at 15');
    expect(calls).toContain('both commits returns/0 at 507');
  });

  test('commits the one while the broker does not answer about the other', async () => {
    const ofReturns = await deliver(0, 500n, 'returns');
    const ofOrders = await deliver(0, 10n);
    unknown = ['returns'];
    ofReturns.markFinishedUpTo(507n);
    ofOrders.markFinishedUpTo(15n);
    await until(has('both commits 0 at 15'));
    expect(ofReturns.revoked.aborted).toBe(false);
    unknown = [];
    await until(has('both commits returns/0 at 507'));
  });

  test('logs once that the commits of the one fail, whatever becomes of the other', async () => {
    const ofReturns = await deliver(0, 500n, 'returns');
    const ofOrders = await deliver(0, 10n);
    const failed = () => lines.filter(({ event }) => event === 'commit_failed');
    unknown = ['returns'];
    ofReturns.markFinishedUpTo(507n);
    await until(() => failed().length > 0);
    for (const offset of [12n, 13n, 14n, 15n]) {
      const { length } = requests;
      ofOrders.markFinishedUpTo(offset);
      await until(has(`both commits 0 at ${offset}`));
      // So that the commit of the one has failed again since.
      await until(() => requests.slice(length).filter((topic) => topic === 'returns').length > 1);
    }
    expect(failed()).toMatchObject([{ topic: 'returns' }]);
    unknown = [];
    await until(has('both commits returns/0 at 507'));
    unknown = ['returns'];
    ofReturns.markFinishedUpTo(508n);
    await until(() => failed().length > 1);
  });

  test('commits the one, again and again, while a request about the other takes long', async () => {
    const ofReturns = await deliver(0, 500n, 'returns');
    const ofOrders = await deliver(0, 10n);
    let respond: () => void = () => undefined;
    answer = new Promise((resolve) => (respond = resolve));
    ofReturns.markFinishedUpTo(507n);
    try {
      for (const offset of [15n, 17n]) {
        ofOrders.markFinishedUpTo(offset);
        await until(has(`both commits 0 at ${offset}`));
      }
    } finally {
      respond();
    }
    await until(has('both commits returns/0 at 507'));
  });

  test('reads the one while the position in the other cannot be checked', async () => {
    unknown = ['returns'];
    await expect(handlers.onBatch(fetched(0, 500n, 'returns'))).rejects.toThrow('"returns"');
    const ofOrders = await deliver(0, 10n);
    ofOrders.markFinishedUpTo(15n);
    await until(has('both commits 0 at 15'));
  });

  test('resumes both when the offset of one has vanished, and the one without waiting for the other', async () => {
    const ofReturns = await deliver(0, 500n, 'returns');
    const ofOrders = await deliver(0, 10n);
    committedOf['returns']?.set(0, 'none');
    ofReturns.markFinishedUpTo(507n);
    await until(() => ofOrders.revoked.aborted);
    await until(has('seek returns/0 to 0'));
    await until(has('seek 0 to 10'));

    const again = await deliver(0, 10n);
    calls = [];
    committed.set(0, 'none');
    unknown = ['returns'];
    again.markFinishedUpTo(15n);
    await until(has('seek 0 to 0'));
    expect(calls).not.toContain('seek returns/0 to 0');
  });

  test('moves past a batch without messages only in its own topic', async () => {
    handlers.onInvisibleBatch({ ...RETURNS_0, fetchedOffset: 500n, lastOffset: 509n });
    handlers.onInvisibleBatchSkipped(orders(0), 509n);
    handlers.onInvisibleBatchSkipped(RETURNS_0, 509n);
    await until(has('both commits returns/0 at 510'));
    expect(committed.get(0)).toBe(10n);
  });
});
