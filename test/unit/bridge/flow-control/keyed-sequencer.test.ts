import { createKeyedSequencer } from '../../../../src/bridge/flow-control/keyed-sequencer.ts';
import { Semaphore } from '../../../../src/bridge/flow-control/semaphore.ts';
import { promiseWithResolvers } from '../../../../src/program/promise-with-resolvers.ts';

describe('work on the same order', () => {
  test('waits for the one before it, also when that fails, and for no other', async () => {
    const inOrder = createKeyedSequencer();
    const log: string[] = [];
    const first = promiseWithResolvers<undefined>();
    const a1 = inOrder('a', async () => {
      await first.promise;
      log.push('a1');
      throw new Error('a1 failed');
    });
    const a2 = inOrder('a', () => Promise.resolve(log.push('a2')));
    await inOrder('b', () => Promise.resolve(log.push('b')));
    first.resolve(undefined);
    await expect(a1).rejects.toThrow('a1 failed');
    await a2;
    expect(log).toEqual(['b', 'a1', 'a2']);
  });
});

describe('slots', () => {
  test('let in as many as there are, and the others in their order', async () => {
    const slots = new Semaphore(1);
    const log: number[] = [];
    await slots.acquire();
    const waiting = [1, 2, 3].map(async (number) => {
      await slots.acquire();
      log.push(number);
    });
    await Promise.resolve();
    expect(log).toEqual([]);
    slots.release();
    slots.release();
    slots.release();
    await Promise.all(waiting);
    expect(log).toEqual([1, 2, 3]);
  });
});
