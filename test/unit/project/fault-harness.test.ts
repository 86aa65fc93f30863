import { jest } from '@jest/globals';
import { commitProblems } from '../../fault/harness/committed-offsets.ts';
import { createDrainWatch } from '../../fault/harness/drain-watch.ts';
import { setUp } from '../../support/set-up.ts';

const MESSAGES = [0, 1, 2].map((offset) => ({
  id: `order-${offset}`,
  partition: 0,
  offset,
  at: 1000 + offset * 100,
}));

/** The problems with these commits of partition 0; -1 for an offset that was deleted. */
const problems = (...commits: readonly (readonly [at: number | undefined, offset: number])[]) =>
  commitProblems(
    MESSAGES,
    1,
    commits.map(([at, offset]) => ({ partition: 0, at, offset })),
  );

test('commits that follow their messages are no problem', () => {
  expect(problems([1050, 1], [1150, 2], [1150, 2], [1250, 3])).toEqual([]);
});

test('an offset that went back or was deleted is reported', () => {
  expect(problems([2000, 3], [2100, 1], [2200, 3])).toEqual(['partition 0 went back from 3 to 1']);
  expect(problems([2000, 3], [undefined, -1])).toEqual(['partition 0 went back from 3 to -1']);
});

test('a commit before the outcome is reported', () => {
  expect(problems([1050, 1], [1100, 3])).toEqual([
    'order-2 (0/2) was committed before it had an outcome',
  ]);
});

test('commits that do not reach the last message are reported', () => {
  expect(problems([1150, 2])).toEqual(['partition 0 is committed up to 2']);
  expect(problems()).toEqual(['partition 0 is committed up to -1']);
});

describe('a set-up', () => {
  test('that fails is undone, the last step first, and its error is the one that is thrown', async () => {
    const undone: string[] = [];
    const failing = setUp((onUndo) => {
      onUndo(() => undone.push('folder'));
      onUndo(() => Promise.reject(new Error('cannot be undone')));
      onUndo(() => undone.push('process'));
      return Promise.reject(new Error('no port'));
    });
    await expect(failing).rejects.toThrow('no port');
    expect(undone).toEqual(['process', 'folder']);
  });

  test('that succeeds is undone once, when the test says so', async () => {
    const undone: string[] = [];
    const [result, undo] = await setUp((onUndo) => {
      onUndo(() => undone.push('process'));
      return Promise.resolve({ address: 'here' });
    });
    expect({ result, undone }).toEqual({ result: { address: 'here' }, undone: [] });
    await undo();
    await undo();
    expect(undone).toEqual(['process']);
  });
});

describe('the drain watch', () => {
  beforeEach(() => {
    jest.useFakeTimers();
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  test('has no limit while the backlog shrinks', () => {
    const watch = createDrainWatch(60_000);
    for (let left = 20; left > 0; left -= 1) {
      expect(watch.observe(left)).toBe(false);
      jest.advanceTimersByTime(50_000);
      expect(watch.observe(undefined)).toBe(false);
    }
    expect(watch.observe(0)).toBe(true);
  });

  test('throws when the backlog no longer shrinks, with the rate until then', () => {
    const watch = createDrainWatch(60_000);
    watch.observe(1000);
    jest.advanceTimersByTime(58_000);
    watch.observe(710);
    jest.advanceTimersByTime(60_000);
    expect(() => watch.observe(711)).toThrow(
      '710 of 1000 are left, and the backlog has not shrunk for 60 s; before that, 290 in 58 s (5.0 per second)',
    );
  });
});
