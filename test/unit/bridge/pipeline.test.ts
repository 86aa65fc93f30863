import { setMaxListeners } from 'node:events';
import { status } from '@grpc/grpc-js';
import { jest } from '@jest/globals';
import { pino } from 'pino';
import type { DeadLetter } from '../../../src/bridge/dead-letter-writer.ts';
import { Pipeline, type PipelinePorts } from '../../../src/bridge/pipeline.ts';
import type { OrderToStart } from '../../../src/bridge/start-request.ts';
import type { StartOutcome } from '../../../src/bridge/workflow-starter.ts';
import { readSettings } from '../../../src/config/read-settings.ts';
import { BRIDGE_ROLE } from '../../../src/config/roles.ts';
import type { DeadLetterReason, OmittedParts } from '../../../src/contract/dead-letter.ts';
import type { StartPreferences } from '../../../src/contract/order-module.ts';
import type { Identified } from '../../../src/order-module/message-reader.ts';
import type { ConsumedMessage } from '../../../src/kafka/consumer/consumed-message.ts';
import {
  promiseWithResolvers,
  type PromiseWithResolvers,
} from '../../../src/program/promise-with-resolvers.ts';
import { createHealth } from '../../../src/telemetry/health/health.ts';
import { consumedMessage } from '../../support/consumed-message.ts';
import { reader } from '../../support/built-in-order.ts';
import { orderText } from '../../support/messages.ts';

const { signal: never } = new AbortController();
setMaxListeners(0, never);
const GRACE_MS = 10_000;
/** Longer than a batch takes to report its progress, and than the first retry waits. */
const A_MOMENT_MS = 1000;

beforeEach(() => {
  jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask'] });
});
afterEach(() => jest.useRealTimers());

/** Lets everything happen that waits for nothing but promises. */
const settle = () => new Promise(setImmediate);

async function pass(ms: number): Promise<void> {
  await settle();
  await jest.advanceTimersByTimeAsync(ms);
  await settle();
}

interface LogLine {
  readonly event: string;
  readonly offset?: string;
}

/** A pipeline whose starts and dead letters wait until the test answers them. */
function createPipeline(
  env: Readonly<Record<string, string>> = {},
  ports: Partial<PipelinePorts> = {},
) {
  const starts: {
    order: OrderToStart;
    orderId: string;
    offset: string;
    answer: PromiseWithResolvers<StartOutcome>;
  }[] = [];
  const letters: { letter: DeadLetter; answer: PromiseWithResolvers<OmittedParts> }[] = [];
  const lines: LogLine[] = [];
  const { readiness } = createHealth();
  const settings = readSettings(BRIDGE_ROLE, {
    KAFKA_BROKERS: 'localhost:9092',
    BRIDGE_SHUTDOWN_GRACE_MS: String(GRACE_MS),
    ...env,
  });
  const pipeline = new Pipeline(settings, {
    reader,
    starter: {
      start(order) {
        const { orderId, message } = order;
        const answer = promiseWithResolvers<StartOutcome>();
        starts.push({ order, orderId, offset: message.source.offset, answer });
        return answer.promise;
      },
    },
    openOrders: {
      untilClosed: () => new Promise(() => undefined),
      count: () => Promise.reject(new Error('unavailable')),
    },
    deadLetters: {
      write(letter) {
        const answer = promiseWithResolvers<OmittedParts>();
        letters.push({ letter, answer });
        return answer.promise;
      },
    },
    readiness,
    logger: pino({}, { write: (line) => void lines.push(JSON.parse(line) as LogLine) }),
    ...ports,
  });
  return {
    pipeline,
    starts,
    letters,
    lines,
    readiness,
    /** Order IDs of the starts that Temporal has received; different orders may overtake each other. */
    received: () => starts.map(({ orderId }) => orderId).sort(),
    /** Answers the latest start of this order. */
    answer: async (orderId: string, outcome: StartOutcome = STARTED): Promise<void> => {
      starts.findLast((start) => start.orderId === orderId)?.answer.resolve(outcome);
      await settle();
    },
    failStart: async (orderId: string, error: Error): Promise<void> => {
      starts.findLast((start) => start.orderId === orderId)?.answer.reject(error);
      await settle();
    },
    acknowledge: async (index: number): Promise<void> => {
      letters[index]?.answer.resolve({});
      await settle();
    },
    /** Gives the pipeline a batch of these messages, with the offsets from 0. */
    ingest: async (
      messages: readonly ConsumedMessage[],
      partition = 0,
      holdsUpOthers = () => false,
    ) => {
      const revoked = new AbortController();
      const heartbeat = promiseWithResolvers<undefined>();
      const reported: bigint[] = [];
      let ended: 'resolved' | Error | undefined;
      const work = pipeline.ingestBatch({
        topic: 'orders',
        partition,
        messages: messages.map((message, offset) => ({ ...message, offset: String(offset) })),
        lastOffset: String(messages.length - 1),
        revoked: revoked.signal,
        heartbeat: () => heartbeat.promise,
        markFinishedUpTo: (next) => void reported.push(next),
        holdsUpOthers,
      });
      work.then(
        () => (ended = 'resolved'),
        (error: unknown) => (ended = error as Error),
      );
      await settle();
      return {
        revoked,
        reported,
        failHeartbeat: heartbeat.reject,
        /** Undefined while the batch is being ingested. */
        ended: () => ended,
      };
    },
  };
}

const STARTED = {
  kind: 'started' as const,
  workflow: { workflowId: 'order:x', runId: 'run' },
  start: undefined,
  isEager: false,
};
const orders = (...ids: readonly string[]) => ids.map((id) => consumedMessage(orderText(id)));
const deadLetters = (count: number) =>
  Array.from({ length: count }, () => consumedMessage('not JSON'));
const grpcError = (code: status) =>
  Object.assign(new Error(status[code]), { code, details: '', metadata: {} });

describe('progress', () => {
  test('only the contiguous finished prefix is reported, while the batch is being ingested', async () => {
    const { ingest, answer } = createPipeline();
    const batch = await ingest(orders('a', 'b', 'c', 'd'));
    await answer('b');
    await answer('c');
    await pass(A_MOMENT_MS);
    expect(batch.reported).toEqual([]);
    await answer('a');
    await pass(A_MOMENT_MS);
    expect(batch.reported.at(-1)).toBe(3n);
    expect(batch.ended()).toBeUndefined();
    await answer('d');
    expect(batch.reported.at(-1)).toBe(4n);
    expect(batch.ended()).toBe('resolved');
  });

  test('a dead letter finishes its message once the broker has acknowledged it', async () => {
    const { ingest, acknowledge, letters } = createPipeline();
    const batch = await ingest(deadLetters(1));
    expect(letters).toHaveLength(1);
    await pass(A_MOMENT_MS);
    expect(batch.reported).toEqual([]);
    await acknowledge(0);
    expect(batch.reported).toEqual([1n]);
  });

  test('messages are counted by outcome, and in flight until then', async () => {
    const { ingest, answer, acknowledge, pipeline } = createPipeline();
    await ingest([...orders('a', 'b', 'c'), ...deadLetters(1)]);
    expect(pipeline.counts.inFlight).toBe(4);
    await answer('a');
    await answer('b', { kind: 'duplicate' });
    await acknowledge(0);
    expect(pipeline.counts.inFlight).toBe(1);
    expect(pipeline.counts.snapshot()).toEqual({
      read: 4,
      started: 1,
      duplicates: 1,
      deadLetters: { 'not-json': 1 },
    });
  });
});

describe('a batch that takes long', () => {
  const env = { BRIDGE_MAX_CONCURRENT_STARTS: '1' };

  test('ends after two seconds if it holds up other partitions, and leaves its rest to the next fetch', async () => {
    const { ingest, answer, received } = createPipeline(env);
    const batch = await ingest(orders('a', 'b', 'c', 'd'), 0, () => true);
    await answer('a');
    await pass(2000);
    // The start that has begun is waited for, and `c` waits for its permit already.
    expect(batch.ended()).toBeUndefined();
    await answer('b');
    await answer('c');
    expect(batch.ended()).toBe('resolved');
    expect(received()).toEqual(['a', 'b', 'c']);
    expect(batch.reported.at(-1)).toBe(3n);
  });

  test('goes on if it holds up nobody', async () => {
    const { ingest, answer, received } = createPipeline(env);
    const batch = await ingest(orders('a', 'b'));
    await pass(60_000);
    await answer('a');
    await answer('b');
    expect(received()).toEqual(['a', 'b']);
    expect(batch.ended()).toBe('resolved');
    expect(batch.reported.at(-1)).toBe(2n);
  });
});

describe('start preferences', () => {
  const preferring = (start: StartPreferences, startProblem?: string) => ({
    reader: {
      ...reader,
      identify: (value: Uint8Array | null): Identified => {
        const identified = reader.identify(value);
        if (identified instanceof Promise) throw new Error('the built-in decoder is synchronous');
        return identified.kind === 'order'
          ? { ...identified, start, ...(startProblem === undefined ? {} : { startProblem }) }
          : identified;
      },
    },
  });
  const startsOf = ({ starts }: ReturnType<typeof createPipeline>) =>
    // Different orders may overtake each other.
    starts.toSorted((a, b) => a.orderId.localeCompare(b.orderId)).map(({ order }) => order.start);

  test('an order starts as its module prefers', async () => {
    const start = { priority: 1, fairnessKey: 'C-7', startDelayMs: 5 } as const;
    const pipeline = createPipeline({}, preferring(start));
    await pipeline.ingest(orders('a'));
    expect(startsOf(pipeline)).toEqual([start]);
  });

  test('a requeued message starts at low priority or that of the requeue, with the same fairness key', async () => {
    const pipeline = createPipeline({}, preferring({ priority: 1, fairnessKey: 'C-7' }));
    const requeued = (id: string, headers: Readonly<Record<string, string>>) =>
      consumedMessage(orderText(id), { headers });
    await pipeline.ingest([
      requeued('a', { 'dead-letter.attempt': '1' }),
      requeued('b', { 'dead-letter.attempt': '1', 'dead-letter.priority': '2' }),
    ]);
    expect(startsOf(pipeline)).toEqual([
      { priority: 5, fairnessKey: 'C-7' },
      { priority: 2, fairnessKey: 'C-7' },
    ]);
  });

  test('the priority of a replay applies to every order', async () => {
    const pipeline = createPipeline({}, { ...preferring({ fairnessKey: 'C-7' }), priority: 5 });
    await pipeline.ingest(orders('a'));
    expect(startsOf(pipeline)).toEqual([{ priority: 5, fairnessKey: 'C-7' }]);
  });

  test('an order that was started without its delay takes room in the window at once', async () => {
    const env = { BRIDGE_MAX_WAITING_ORDERS: '2' };
    const { ingest, answer, received } = createPipeline(env, preferring({ startDelayMs: 60_000 }));
    await ingest(orders('a', 'b', 'c'));
    expect(received()).toEqual(['a', 'b']);
    // As a replay starts orders that have completed.
    await answer('a');
    await answer('b');
    expect(received()).toEqual(['a', 'b']);
  });

  test('an order that waits for its delay takes no room in the window', async () => {
    const start = { startDelayMs: 60_000 };
    const { ingest, answer, received } = createPipeline(
      { BRIDGE_MAX_WAITING_ORDERS: '2' },
      preferring(start),
    );
    await ingest(orders('a', 'b', 'c'));
    await answer('a', { ...STARTED, start });
    expect(received()).toEqual(['a', 'b', 'c']);
  });

  test('an invalid preference is left out and logged once, and the order starts', async () => {
    const { ingest, answer, starts, lines, letters } = createPipeline(
      {},
      preferring({ fairnessWeight: -1 }, 'start threw a TypeError'),
    );
    await ingest(orders('a', 'b', 'c'));
    for (const id of ['a', 'b', 'c']) await answer(id);
    expect(starts.map(({ order: { start } }) => start)).toEqual([{}, {}, {}]);
    expect(letters).toEqual([]);
    const logged = lines.filter(({ event }) => event === 'start_preference_invalid');
    expect(logged).toMatchObject([
      { offset: '0', problem: expect.stringContaining('fairnessWeight') },
      { offset: '0', problem: 'start threw a TypeError' },
    ]);
  });
});

describe('gates', () => {
  test('no more messages than the limit are in flight, over all partitions', async () => {
    const { ingest, answer, received } = createPipeline({ BRIDGE_MAX_CONCURRENT_STARTS: '3' });
    await ingest(orders('a', 'b', 'c', 'd'), 0);
    await ingest(orders('e', 'f'), 1);
    expect(received()).toEqual(['a', 'b', 'c']);
    await answer('b');
    await answer('a');
    expect(received()).toEqual(['a', 'b', 'c', 'd', 'e']);
  });

  test('an open circuit breaker starts no message but one that already waits for the next gate', async () => {
    const { ingest, answer, acknowledge, received, letters, pipeline } = createPipeline({
      BRIDGE_BREAKER_WINDOW: '10',
      BRIDGE_MAX_CONCURRENT_STARTS: '1',
    });
    const batch = await ingest([...deadLetters(10), ...orders('a', 'b')]);
    for (let index = 0; index < 10; index += 1) await acknowledge(index);
    await answer('a');
    await pass(A_MOMENT_MS);
    expect(pipeline.breaker.reason()).toBeDefined();
    expect(received()).toEqual(['a']);
    expect(letters).toHaveLength(10);
    expect(batch.reported.at(-1)).toBe(11n);
    pipeline.breaker.close();
    await settle();
    expect(received()).toEqual(['a', 'b']);
  });

  test('messages with the same order ID reach Temporal one at a time, in the order of the topic', async () => {
    const { ingest, answer, starts, received } = createPipeline();
    await ingest(orders('a', 'a', 'b', 'a'));
    expect(received()).toEqual(['a', 'b']);
    await answer('a');
    await answer('a', { kind: 'duplicate' });
    const offsets = starts.filter(({ orderId }) => orderId === 'a').map(({ offset }) => offset);
    expect(offsets).toEqual(['0', '1', '3']);
  });

  test('while as many orders as the window are open, further ones are not started', async () => {
    const { ingest, answer, received, pipeline } = createPipeline({
      BRIDGE_MAX_WAITING_ORDERS: '2',
    });
    await ingest(orders('a', 'b', 'c'));
    await answer('a');
    await answer('b', { kind: 'duplicate' });
    expect(received()).toEqual(['a', 'b', 'c']);
    await answer('c');
    expect(pipeline.backlogLimit.isFull).toBe(true);
    await ingest(orders('d'));
    expect(received()).not.toContain('d');
    pipeline.backlogLimit.dispose();
  });

  test('while Temporal throttles, fewer starts are sent at once; it counts as available', async () => {
    const { ingest, failStart, received, readiness, pipeline } = createPipeline({
      BRIDGE_MAX_CONCURRENT_STARTS: '2',
    });
    await ingest(orders('a', 'b'));
    for (const id of ['a', 'b']) await failStart(id, grpcError(status.RESOURCE_EXHAUSTED));
    await pass(A_MOMENT_MS);
    expect(pipeline.startLimit.current).toBe(1);
    expect(received()).toHaveLength(3);
    await pass(60_000);
    expect(readiness.reasons()).toEqual({});
  });
});

describe('outcomes', () => {
  test.each<[DeadLetterReason, ConsumedMessage, StartOutcome | undefined]>([
    ['tombstone', consumedMessage(null), undefined],
    ['not-json', consumedMessage('{'), undefined],
    ['no-order-id', consumedMessage('{}'), undefined],
    [
      'conflicting-duplicate',
      consumedMessage(orderText('a')),
      { kind: 'conflict', error: 'ingested with different content' },
    ],
    ['too-large', consumedMessage(orderText('a')), { kind: 'too-large', error: 'too many bytes' }],
    [
      'refused-by-temporal',
      consumedMessage(orderText('a')),
      { kind: 'rejected', error: 'invalid' },
    ],
  ])('a message becomes a dead letter with reason %s', async (reason, message, outcome) => {
    const { ingest, answer, acknowledge, letters, pipeline } = createPipeline();
    await ingest([message]);
    if (outcome) await answer('a', outcome);
    await acknowledge(0);
    expect(letters.map(({ letter }) => letter)).toEqual([
      expect.objectContaining({ reason, topic: 'orders', partition: 0 }),
    ]);
    expect(pipeline.counts.snapshot().deadLetters).toEqual({ [reason]: 1 });
  });

  test('a start is repeated until Temporal answers, and never becomes a dead letter', async () => {
    const { ingest, answer, failStart, letters, readiness, starts } = createPipeline();
    const batch = await ingest(orders('a'));
    for (let n = 1; n <= 20; n += 1) {
      await failStart('a', grpcError(status.UNAVAILABLE));
      await pass(5000);
      expect(starts).toHaveLength(n + 1);
    }
    expect(Object.keys(readiness.reasons())).toEqual(['Temporal']);
    expect(batch.reported).toEqual([]);
    await answer('a');
    expect(batch.reported).toEqual([1n]);
    expect(readiness.reasons()).toEqual({});
    expect(letters).toEqual([]);
  });

  test('a dead letter is repeated until the broker acknowledges it', async () => {
    const { ingest, acknowledge, letters, pipeline } = createPipeline();
    const batch = await ingest(deadLetters(1));
    letters[0]?.answer.reject(new Error('leader not available'));
    await pass(A_MOMENT_MS);
    expect(letters).toHaveLength(2);
    expect(batch.reported).toEqual([]);
    await acknowledge(1);
    expect(batch.reported).toEqual([1n]);
    expect(pipeline.counts.snapshot().deadLetters).toEqual({ 'not-json': 1 });
  });
});

describe('the end of a batch', () => {
  test('a shutdown starts nothing more, and what finishes in the grace period is reported', async () => {
    const { ingest, answer, received, pipeline } = createPipeline({
      BRIDGE_MAX_CONCURRENT_STARTS: '2',
    });
    const batch = await ingest(orders('a', 'b', 'c'));
    let hasStopped = false;
    void pipeline.stop().then(() => (hasStopped = true));
    await pass(GRACE_MS - A_MOMENT_MS);
    await answer('a');
    await answer('b');
    expect(batch.reported.at(-1)).toBe(2n);
    expect(batch.ended()).toBe('resolved');
    expect(hasStopped).toBe(true);
    expect(received()).toEqual(['a', 'b']);
    await ingest(orders('d'));
    expect(received()).toEqual(['a', 'b']);
    expect(jest.getTimerCount()).toBe(0);
  });

  test('once stopped, no timer is left of a circuit breaker or backlog limit that held messages back', async () => {
    const { ingest, answer, acknowledge, pipeline } = createPipeline({
      BRIDGE_BREAKER_WINDOW: '10',
      BRIDGE_MAX_WAITING_ORDERS: '2',
      BRIDGE_SHUTDOWN_GRACE_MS: '1000',
    });
    await ingest([...orders('a', 'b', 'c'), ...deadLetters(10)]);
    for (let index = 0; index < 10; index += 1) await acknowledge(index);
    for (const id of ['a', 'b', 'c']) await answer(id);
    expect(pipeline.backlogLimit.isFull).toBe(true);
    expect(pipeline.breaker.reason()).toBeDefined();
    void pipeline.stop();
    await pass(1000);
    expect(pipeline.counts).toMatchObject({ inFlight: 0, recorded: 12 });
    expect(jest.getTimerCount()).toBe(0);
  });

  test('what is still in flight after the grace period is abandoned and not reported', async () => {
    const { ingest, failStart, answer, pipeline } = createPipeline();
    const batch = await ingest(orders('a', 'b', 'c'));
    await answer('a');
    await answer('c');
    await failStart('b', grpcError(status.UNAVAILABLE));
    void pipeline.stop();
    await pass(GRACE_MS - 1);
    await failStart('b', grpcError(status.UNAVAILABLE));
    expect(batch.ended()).toBeUndefined();
    await pass(1);
    expect(batch.ended()).toBe('resolved');
    expect(batch.reported.at(-1)).toBe(1n);
    expect(pipeline.counts).toMatchObject({ inFlight: 0, recorded: 2 });
  });

  test('a revoked partition is abandoned at once', async () => {
    const { ingest, failStart, received, pipeline, lines } = createPipeline({
      BRIDGE_MAX_CONCURRENT_STARTS: '2',
    });
    const batch = await ingest(orders('a', 'b', 'c'));
    for (const id of ['a', 'b']) await failStart(id, grpcError(status.UNAVAILABLE));
    batch.revoked.abort(new Error('revoked'));
    await settle();
    expect(batch.ended()).toBe('resolved');
    expect(batch.reported).toEqual([]);
    expect(received()).toEqual(['a', 'b']);
    expect(pipeline.counts.inFlight).toBe(0);
    expect(lines.map(({ event }) => event)).not.toContain('message_failed');
  });

  test('a message of a revoked partition does not wait for the same order in another one', async () => {
    const { ingest } = createPipeline();
    await ingest(orders('a'), 0);
    const batch = await ingest(orders('a'), 1);
    batch.revoked.abort(new Error('revoked'));
    await settle();
    expect(batch.ended()).toBe('resolved');
  });

  test('a heartbeat that fails ends the batch with its error, after what is in flight', async () => {
    const { ingest, answer, received } = createPipeline({ BRIDGE_MAX_CONCURRENT_STARTS: '1' });
    const batch = await ingest(orders('a', 'b'));
    const rebalance = new Error('the group is rebalancing');
    batch.failHeartbeat(rebalance);
    await pass(A_MOMENT_MS);
    expect(batch.ended()).toBeUndefined();
    await answer('a');
    expect(batch.ended()).toBe(rebalance);
    expect(batch.reported.at(-1)).toBe(1n);
    expect(received()).toEqual(['a']);
  });

  test('an unexpected error is logged and ends the batch, and is no TypeError, on which kafkajs gives up', async () => {
    const { ingest, answer, lines } = createPipeline();
    const batch = await ingest(orders('a', 'b'));
    await answer('a');
    // Breaks the pipeline's own code, as a defect would.
    await answer('b', null as never);
    const error = batch.ended();
    expect(error).toBeInstanceOf(Error);
    expect(error).not.toBeInstanceOf(TypeError);
    expect(batch.reported.at(-1)).toBe(1n);
    expect(lines.filter(({ event }) => event === 'message_failed')).toEqual([
      expect.objectContaining({ offset: '1' }),
    ]);
  });
});

test('a single message is ingested without the gates of a batch', async () => {
  const { pipeline, answer } = createPipeline();
  const outcome = pipeline.ingestMessage(
    consumedMessage(orderText('a')),
    { topic: 'orders', partition: 0 },
    never,
  );
  await settle();
  await answer('a');
  await expect(outcome).resolves.toEqual({ kind: 'started' });
  expect(pipeline.counts.snapshot().read).toBe(0);
});

describe('while the schema registry is down', () => {
  /** The schema of the messages whose key is `unknown` is not there until the test says so. */
  function withRegistry(env: Readonly<Record<string, string>> = {}) {
    let isDown = true;
    const parts = createPipeline(env, {
      reader: {
        ...reader,
        prepare: (value) =>
          !value?.toString().includes('unknown')
            ? undefined
            : isDown
              ? Promise.reject(new Error('registry down'))
              : Promise.resolve(),
      },
    });
    return { ...parts, recover: () => (isDown = false) };
  }

  test('messages whose schema is not known wait without a permit, and the others go on', async () => {
    const { ingest, received, recover, letters, readiness } = withRegistry({
      BRIDGE_MAX_CONCURRENT_STARTS: '1',
    });
    const waiting = await ingest(orders('unknown-1', 'unknown-2'));
    await ingest(orders('known'), 1);
    await pass(10_000);
    expect(received()).toEqual(['known']);
    expect(Object.keys(readiness.reasons())).toContain('the schema registry');
    expect(waiting.ended()).toBeUndefined();
    expect(letters).toEqual([]);
    recover();
    await pass(10_000);
    expect(Object.keys(readiness.reasons())).not.toContain('the schema registry');
  });

  test('a batch that waits for an answer ends when the partition is revoked', async () => {
    const waitForever = () => new Promise<void>(() => undefined);
    const { ingest } = createPipeline({}, { reader: { ...reader, prepare: waitForever } });
    const batch = await ingest(orders('unknown-1'));
    batch.revoked.abort();
    await pass(A_MOMENT_MS);
    expect(batch.ended()).toBe('resolved');
    expect(batch.reported).toEqual([]);
  });

  test('a batch that waits for a schema ends when the partition is revoked', async () => {
    const { ingest } = withRegistry();
    const batch = await ingest(orders('unknown-1'));
    batch.revoked.abort();
    await pass(A_MOMENT_MS);
    expect(batch.ended()).toBe('resolved');
    expect(batch.reported).toEqual([]);
  });
});

test('orders that a faulty module identifies are started, and the fault is logged once', async () => {
  const faulty: PipelinePorts['reader'] = {
    ...reader,
    identify: (value, maxBytes) => {
      const identified = reader.identify(value, maxBytes);
      return identified instanceof Promise || identified.kind === 'unusable'
        ? identified
        : { ...identified, fingerprintProblem: 'identity threw TypeError at my-order.js:1:2' };
    },
  };
  const { pipeline, starts, lines } = createPipeline({}, { reader: faulty });
  for (const offset of ['0', '1']) {
    const message = consumedMessage(orderText(`A-${offset}`), { offset });
    void pipeline.ingestMessage(message, { topic: 'orders', partition: 0 }, never);
  }
  await settle();
  expect(starts.map(({ orderId }) => orderId)).toEqual(['A-0', 'A-1']);
  const logged = lines.filter(({ event }) => event === 'order_module_failed');
  expect(logged).toEqual([
    expect.objectContaining({ offset: '0', error: expect.stringContaining('my-order.js:1:2') }),
  ]);
});
