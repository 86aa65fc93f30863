import { setMaxListeners } from 'node:events';
import { jest } from '@jest/globals';
import { BacklogLimit } from '../../../../src/bridge/flow-control/backlog-limit.ts';
import {
  promiseWithResolvers,
  type PromiseWithResolvers,
} from '../../../../src/program/promise-with-resolvers.ts';
import type { StartPreferences } from '../../../../src/contract/order-module.ts';
import type { StartOutcome } from '../../../../src/bridge/workflow-starter.ts';

const never = new AbortController().signal;
setMaxListeners(0, never);
beforeEach(() => {
  jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask'] });
});
afterEach(() => {
  jest.useRealTimers();
});

const settle = () => new Promise(setImmediate);

async function seconds(count: number): Promise<void> {
  for (let n = 0; n < count; n += 1) {
    await settle();
    jest.advanceTimersByTime(1000);
    await settle();
  }
}

/** Starts an order as the pipeline does. */
async function run(
  limit: BacklogLimit,
  start: () => Promise<StartOutcome>,
  signal = never,
  preferences?: StartPreferences,
): Promise<void> {
  await limit.acquire(signal);
  try {
    const outcome = await start();
    if (outcome.kind === 'started') limit.started({ ...outcome, start: preferences });
  } finally {
    limit.release();
  }
}

/** A window of ten and at most thirty open orders, over a Temporal that the test controls. */
function createLimit({ window = 10, maxOpen = 30, openBefore = 0, counts = true } = {}) {
  /** Numbers of the orders that are open. */
  const open = new Set<number>();
  /** When each order was started. */
  const startedAt = new Map<number, number>();
  const others = { open: openBefore };
  /** Orders of another bridge that were started a moment ago. */
  const late = { open: 0 };
  let stuckCounts = 0;
  const watched = new Map<number, PromiseWithResolvers<undefined>>();
  /** Numbers of the orders for which a long poll was opened. */
  const polls: number[] = [];
  const limit = new BacklogLimit({
    window,
    maxOpen,
    openOrders: {
      untilClosed: ({ workflowId }, signal) => {
        const number = Number(workflowId);
        const end = promiseWithResolvers<undefined>();
        signal.addEventListener('abort', () => {
          end.reject(signal.reason);
        });
        watched.set(number, end);
        polls.push(number);
        return end.promise;
      },
      count: (dueBy) => {
        if (dueBy) stuckCounts += 1;
        const due = [...open].filter(
          (number) => (startedAt.get(number) ?? 0) <= (dueBy?.getTime() ?? Infinity),
        );
        return counts
          ? Promise.resolve(others.open + due.length + (dueBy ? 0 : late.open))
          : Promise.reject(new Error('no answer'));
      },
    },
  });
  let started = 0;
  const startOne = (): Promise<StartOutcome & { kind: 'started' }> => {
    started += 1;
    open.add(started);
    startedAt.set(started, Date.now());
    return Promise.resolve({
      kind: 'started',
      workflow: { workflowId: String(started), runId: `run-${started}` },
      start: undefined,
      isEager: false,
    });
  };
  return {
    limit,
    watched,
    polls,
    open,
    /** Orders that were open before the limit was created. */
    others,
    late,
    /** How often Temporal was asked for the stuck orders. */
    stuckCounts: () => stuckCounts,
    /** How many orders have been started. */
    started: () => started,
    /** Requests so many starts, which happen as the limit permits. */
    ask: async (count: number, start: () => Promise<StartOutcome> = startOne): Promise<void> => {
      for (let n = 0; n < count; n += 1) {
        void run(limit, start);
      }
      await settle();
    },
    /** Starts one order with these preferences. */
    askOne: async (preferences: StartPreferences): Promise<void> => {
      void run(limit, startOne, never, preferences);
      await settle();
    },
    /** Requests so many starts, after which the worker of this process has the first task. */
    askEagerly: async (count: number): Promise<void> => {
      for (let n = 0; n < count; n += 1) {
        void run(limit, async () => ({ ...(await startOne()), isEager: true }));
      }
      await settle();
    },
    /** Closes these orders in Temporal. */
    close: async (...numbers: number[]): Promise<void> => {
      for (const number of numbers) {
        open.delete(number);
        watched.get(number)?.resolve(undefined);
      }
      await settle();
    },
  };
}

test('as many orders as the window may be open; the others wait', async () => {
  const { limit, ask, started } = createLimit();
  await ask(9);
  expect(limit.isFull).toBe(false);
  await ask(5);
  expect(limit.isFull).toBe(true);
  expect(started()).toBe(10);
});

test('a closed order stands for all that were started before it', async () => {
  const { ask, started, watched, close } = createLimit();
  await ask(20);
  expect([...watched.keys()]).toEqual([5, 10]);
  await close(5);
  expect(started()).toBe(15);
});

test('one order of every half window is watched, and none while few are started', async () => {
  const { ask, watched } = createLimit();
  await ask(4);
  expect(watched.size).toBe(0);
  await ask(1);
  expect([...watched.keys()]).toEqual([5]);
});

test('starts in flight count, so that no more orders than the window are open', async () => {
  const { limit, ask } = createLimit();
  const answer = promiseWithResolvers<StartOutcome>();
  let calls = 0;
  await ask(15, () => {
    calls += 1;
    return answer.promise;
  });
  expect(calls).toBe(10);
  answer.resolve({ kind: 'duplicate' });
  await settle();
  // Duplicates have started nothing.
  expect(calls).toBe(15);
  expect(limit.isFull).toBe(false);
});

test('a failed start makes room for the next one', async () => {
  const { limit } = createLimit({ window: 2 });
  const failing = () => Promise.reject(new Error('unavailable'));
  await expect(run(limit, failing)).rejects.toThrow('unavailable');
  await expect(run(limit, failing)).rejects.toThrow('unavailable');
  expect(limit.isFull).toBe(false);
});

test('slow workers get no more orders than the window: the count shows what they have closed', async () => {
  const { ask, started, open, limit } = createLimit();
  await ask(100);
  for (let second = 1; second <= 40; second += 1) {
    // Without anything that is watched, so that the count alone can show it.
    const [oldest = 0] = open;
    open.delete(oldest);
    await seconds(1);
    expect(open.size).toBeLessThanOrEqual(10);
  }
  expect(started()).toBe(50);
  expect(limit.reason()).toBeUndefined();
});

test('stuck orders do not hold up the others: another window opens beside them', async () => {
  const { ask, started, limit } = createLimit();
  await ask(100);
  await seconds(9);
  expect(started()).toBe(10);
  await seconds(1);
  expect(started()).toBe(20);
  expect(limit.reason()).toBeUndefined();
});

test('a newer order that closes shows that only the watched ones are stuck', async () => {
  const { ask, started, open, watched, close } = createLimit();
  await ask(30);
  for (const number of [1, 2, 3]) open.delete(number);
  await seconds(1);
  expect(started()).toBe(13);
  expect([...watched.keys()]).toEqual([5, 10]);
  await seconds(1);
  expect([...watched.keys()]).toEqual([5, 10, 13]);
  await close(13);
  expect(started()).toBe(23);
});

test('while no order closes, the open orders are bounded, and the reason says so', async () => {
  const { ask, started, limit } = createLimit();
  await ask(1000);
  await seconds(30);
  // Three windows and one probe.
  expect(started()).toBe(31);
  expect(limit.reason()).toContain('30 orders are open in Temporal and none of them closes');
  // At most one for each 20, 40, 60 s and then each minute.
  await seconds(3600);
  expect(started()).toBeLessThanOrEqual(31 + 62);
  expect(started()).toBeGreaterThanOrEqual(31 + 50);
});

test('when orders close again, the window doubles with each of them, up to its full size', async () => {
  const { ask, started, close, limit } = createLimit();
  await ask(1000);
  await seconds(30);
  expect(started()).toBe(31);
  await close(31);
  expect(started()).toBe(33);
  await close(33);
  expect(started()).toBe(37);
  await close(37);
  expect(limit.reason()).toContain('open');
  await close(41);
  expect(limit.reason()).toBeUndefined();
  expect(started()).toBe(51);
});

test('a stuck order that closes lets the next probe start at once', async () => {
  const { ask, started, open } = createLimit();
  await ask(1000);
  await seconds(120);
  const before = started();
  open.delete(3);
  await seconds(1);
  expect(started()).toBe(before + 1);
});

test('a bridge that starts while too many orders are open starts one probe and opens no window', async () => {
  const { ask, started, limit } = createLimit({ openBefore: 25 });
  await ask(100);
  expect(started()).toBe(1);
  expect(limit.reason()).toContain('25 orders are open');
});

test('the reason ends with the stuck orders, even if no other order arrives', async () => {
  const { limit, ask, close, others } = createLimit({ openBefore: 25 });
  await ask(1);
  await close(1);
  expect(limit.reason()).toContain('25 orders are open');
  others.open = 0;
  await seconds(1);
  expect(limit.reason()).toBeUndefined();
  await seconds(1);
  expect(jest.getTimerCount()).toBe(0);
});

test('stuck orders that close leave room for no more orders than the window', async () => {
  const { ask, started, others } = createLimit({ openBefore: 25 });
  await ask(100);
  others.open = 0;
  await seconds(1);
  expect(started()).toBeLessThanOrEqual(11);
});

test('stuck orders that close one after the other leave room for no more orders than the window', async () => {
  const { ask, open, others, limit } = createLimit({ openBefore: 25 });
  await ask(100);
  for (others.open = 25; others.open > 0; others.open -= 5) {
    await seconds(1);
    expect(open.size).toBeLessThanOrEqual(10);
  }
  await seconds(1);
  expect(open.size).toBe(10);
  expect(limit.reason()).toBeUndefined();
});

test('orders of this bridge that were stuck and close leave room for no more orders than the window', async () => {
  const { ask, open, started } = createLimit();
  await ask(1000);
  await seconds(31);
  expect(started()).toBe(31);
  for (let closed = 0; closed < 30; closed += 5) {
    for (let number = closed + 1; number <= closed + 5; number += 1) open.delete(number);
    await seconds(1);
    const fresh = [...open].filter((number) => number > 30);
    expect(fresh.length).toBe(Math.min(10, 1 + closed + 5));
  }
});

test('orders that another bridge has started shortly before do not count as closed', async () => {
  const { ask, started, late } = createLimit();
  await ask(1000);
  await seconds(28);
  late.open = 20;
  await seconds(60);
  expect(started()).toBeLessThanOrEqual(31 + 3);
});

test('orders that wait behind those of another bridge do not count as stuck', async () => {
  const { ask, open, late, limit } = createLimit();
  await ask(100);
  // With each order of this bridge that closes, the other bridge starts one: the number of open orders stays the same.
  late.open = 10;
  for (let second = 1; second <= 50; second += 1) {
    if (second % 4 === 0) {
      const [oldest = 0] = open;
      open.delete(oldest);
      late.open += 1;
    }
    await seconds(1);
    expect(open.size).toBeLessThanOrEqual(10);
  }
  expect(limit.reason()).toBeUndefined();
});

test('stuck orders hold up the others for a minute at most, although older ones of another bridge close', async () => {
  const { ask, others, late, started } = createLimit({ maxOpen: 1000, openBefore: 500 });
  await ask(100);
  for (let second = 1; second < 60; second += 1) {
    others.open -= 1;
    late.open += 1;
    await seconds(1);
    expect(started()).toBe(10);
  }
  await seconds(1);
  expect(started()).toBe(20);
});

test('a bridge that starts while many young orders of other bridges are open opens its window', async () => {
  const { ask, late, started, limit } = createLimit();
  late.open = 60;
  await ask(100);
  expect(started()).toBe(10);
  expect(limit.reason()).toBeUndefined();
});

test('when all stuck orders have closed, the window opens, although other bridges have many open', async () => {
  const { ask, others, late, limit } = createLimit({ openBefore: 25 });
  await ask(1);
  others.open = 0;
  late.open = 60;
  await seconds(1);
  expect(limit.reason()).toBeUndefined();
});

test('the stuck orders are counted only while some of them may have closed', async () => {
  const { ask, others, stuckCounts } = createLimit({ openBefore: 25 });
  await ask(100);
  // Once before the first start.
  await seconds(9);
  expect(stuckCounts()).toBe(2);
  others.open = 20;
  await seconds(1);
  expect(stuckCounts()).toBe(3);
  others.open = 0;
  await seconds(3);
  expect(stuckCounts()).toBe(4);
});

test('while Temporal cannot count open orders, those that this bridge has started are counted', async () => {
  const { ask, started } = createLimit({ counts: false });
  await ask(1000);
  await seconds(30);
  expect(started()).toBe(31);
  await seconds(60);
  expect(started()).toBeLessThanOrEqual(34);
});

test('a waiting start is rejected when its signal is aborted', async () => {
  const { limit, ask } = createLimit();
  await ask(10);
  const stopping = new AbortController();
  const waiting = run(limit, () => Promise.reject(new Error('started')), stopping.signal);
  stopping.abort(new Error('shutting down'));
  await expect(waiting).rejects.toThrow('shutting down');
});

test('no timer runs when no start waits, or after dispose', async () => {
  const { limit, ask, close } = createLimit();
  await ask(15);
  expect(jest.getTimerCount()).toBe(1);
  await close(10);
  await seconds(1);
  expect(jest.getTimerCount()).toBe(0);
  await ask(15);
  expect(jest.getTimerCount()).toBe(1);
  limit.dispose();
  expect(jest.getTimerCount()).toBe(0);
});

describe('priority, fairness and start delay', () => {
  test('a closed order does not stand for less urgent ones, which Temporal hands out later', async () => {
    const { askOne, ask, started, watched, close } = createLimit();
    for (const priority of [5, 5, 5, 3, 3, 3, 3, 3, 3, 3] as const) await askOne({ priority });
    await ask(20);
    expect(started()).toBe(10);
    expect([...watched.keys()].sort((a, b) => a - b)).toEqual([3, 5, 10]);
    await close(10);
    // The three of low priority still fill the window.
    expect(started()).toBe(17);
  });

  test('a closed order of low priority stands for all that were started before it', async () => {
    const { askOne, ask, started, close } = createLimit();
    for (const priority of [3, 3, 3, 3, 5] as const) await askOne({ priority });
    await ask(20);
    await close(5);
    expect(started()).toBe(15);
  });

  test('orders of low priority that no worker gets do not hold up the others', async () => {
    // A re-run of many orders makes the count useless.
    const { askOne, ask, started, watched, close, limit } = createLimit({ counts: false });
    for (let n = 0; n < 3; n += 1) await askOne({ priority: 5 });
    await ask(400);
    for (let second = 0; second < 60; second += 1) {
      await close(...[...watched.keys()].filter((number) => number > 3));
      await seconds(1);
    }
    expect(started()).toBe(403);
    expect(limit.reason()).toBeUndefined();
  });

  test('of the fairness keys, the one with the most orders is watched, whose orders come last', async () => {
    const { askOne, watched } = createLimit();
    for (const fairnessKey of ['a', 'a', 'a', 'b', 'c']) await askOne({ fairnessKey });
    expect([...watched.keys()]).toEqual([3]);
  });

  test('an order takes no room in the window before its start delay has ended', async () => {
    const { limit, askOne, ask, started } = createLimit();
    for (let n = 0; n < 50; n += 1) await askOne({ startDelayMs: 60_000 });
    expect(started()).toBe(50);
    await seconds(59);
    expect(limit.isFull).toBe(false);
    expect(limit.reason()).toBeUndefined();
    await seconds(3);
    expect(limit.isFull).toBe(true);
    await ask(1);
    expect(started()).toBe(50);
  });

  test('delayed orders that have closed make room again', async () => {
    const { limit, askOne, ask, started, watched, close } = createLimit();
    for (let n = 0; n < 12; n += 1) await askOne({ startDelayMs: 10_000 });
    await seconds(12);
    await ask(5);
    expect(started()).toBe(12);
    await close(...watched.keys());
    expect(started()).toBe(17);
    expect(limit.isFull).toBe(false);
  });

  test('delayed orders that close one by one are watched by a single long poll', async () => {
    const { askOne, ask, open, polls } = createLimit();
    for (let n = 0; n < 20; n += 1) await askOne({ startDelayMs: 10_000 });
    await seconds(12);
    await ask(1);
    for (const closed of [1, 2, 3, 4, 5]) {
      open.delete(closed);
      await seconds(1);
    }
    expect(polls).toEqual([20]);
  });
});

describe('eager starts', () => {
  test('a closed order that was started eagerly stands for none of those in the task queue', async () => {
    const { ask, askEagerly, started, watched, close } = createLimit();
    await ask(4);
    await askEagerly(20);
    expect(started()).toBe(10);
    expect([...watched.keys()].sort((a, b) => a - b)).toEqual([4, 5, 10]);
    await close(10);
    // The four in the task queue still fill the window.
    expect(started()).toBe(16);
    await close(4);
    expect(started()).toBe(20);
  });

  test('those in the task queue are taken for the open ones when some have closed', async () => {
    const { ask, askEagerly, started, open, close } = createLimit();
    await ask(4);
    await askEagerly(20);
    for (const number of [5, 6, 7, 8, 9]) open.delete(number);
    await seconds(1);
    expect(started()).toBe(15);
    await close(15);
    expect(started()).toBe(21);
  });
});
