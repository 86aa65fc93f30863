import { RateLimit } from '../../../src/operate/rate-limit.ts';

const { signal } = new AbortController();

function createLimit(perSecond: number) {
  const clock = { time: 5000 };
  const limit = new RateLimit({
    perSecond,
    signal,
    now: () => clock.time,
    wait: (ms) => Promise.resolve(void (clock.time += ms)),
  });
  /** Passes so many times, and returns when each did. */
  const pass = async (times: number) => {
    const passedAt: number[] = [];
    for (let n = 0; n < times; n += 1) {
      await limit.pass();
      passedAt.push(clock.time);
    }
    return passedAt;
  };
  return { limit, clock, pass };
}

test('the first passes at once, and the others at the rate', async () => {
  expect(await createLimit(4).pass(4)).toEqual([5000, 5250, 5500, 5750]);
});

test('several at once delay those after them by as much', async () => {
  const { limit, clock } = createLimit(4);
  await limit.pass(8);
  expect(clock.time).toBe(5000);
  await limit.pass();
  expect(clock.time).toBe(7000);
});

test('after a pause, no more than those of one second pass at once', async () => {
  const { clock, pass } = createLimit(4);
  await pass(1);
  clock.time = 60_000;
  expect(await pass(7)).toEqual([60_000, 60_000, 60_000, 60_000, 60_000, 60_250, 60_500]);
});

test('without a limit nothing waits', async () => {
  expect(await createLimit(Number.POSITIVE_INFINITY).pass(3)).toEqual([5000, 5000, 5000]);
});

test('a wait ends when the signal is aborted', async () => {
  const abort = new AbortController();
  const limit = new RateLimit({ perSecond: 0.001, signal: abort.signal });
  await limit.pass();
  const waiting = limit.pass();
  abort.abort();
  await expect(waiting).resolves.toBeUndefined();
});
