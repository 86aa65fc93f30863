import { promiseWithResolvers } from '../../../src/program/promise-with-resolvers.ts';
import { StartGate } from '../../../src/worker/start-gate.ts';

const settle = () => new Promise(setImmediate);

test('what excludes starts waits for those in progress, also for one that fails, and no start begins meanwhile', async () => {
  const gate = new StartGate();
  const events: string[] = [];
  const first = promiseWithResolvers<string>();
  const failing = promiseWithResolvers<string>();
  const passed = gate.pass(() => first.promise);
  const failed = expect(gate.pass(() => failing.promise)).rejects.toThrow('unavailable');
  const excluded = gate.whileClosed(() => {
    events.push('excluded');
  });
  const later = gate.pass(() => {
    events.push('later start');
    return Promise.resolve('later');
  });
  failing.reject(new Error('unavailable'));
  await settle();
  expect(events).toEqual([]);
  first.resolve('first');
  await excluded;
  expect(await later).toBe('later');
  expect(events).toEqual(['excluded', 'later start']);
  expect(await passed).toBe('first');
  await failed;
});

test('nothing runs between the end of the last start and what excludes them', async () => {
  const gate = new StartGate();
  const answer = promiseWithResolvers<undefined>();
  const events: string[] = [];
  // A start that begins as soon as another one has ended, as under load.
  const next = gate
    .pass(() => answer.promise)
    .then(() =>
      gate.pass(() => {
        events.push('next start');
        return Promise.resolve();
      }),
    );
  const excluded = gate.whileClosed(() => {
    events.push('excluded');
  });
  answer.resolve(undefined);
  await Promise.all([next, excluded]);
  expect(events).toEqual(['excluded', 'next start']);
});

test('starts pass again after what excluded them has failed', async () => {
  const gate = new StartGate();
  await expect(
    gate.whileClosed(() => {
      throw new Error('rejected');
    }),
  ).rejects.toThrow('rejected');
  expect(await gate.pass(() => Promise.resolve('started'))).toBe('started');
});

test('two that exclude starts run one after the other', async () => {
  const gate = new StartGate();
  const start = promiseWithResolvers<undefined>();
  const passed = gate.pass(() => start.promise);
  const events: number[] = [];
  const both = [1, 2].map((n) => gate.whileClosed(() => events.push(n)));
  await settle();
  expect(events).toEqual([]);
  start.resolve(undefined);
  await Promise.all(both);
  expect(events).toEqual([1, 2]);
  await passed;
});
