import { Semaphore } from '../../../src/program/semaphore.ts';

const settle = () => new Promise(setImmediate);

/** Callers by number that have a permit, in the order in which they got it. */
function createCallers(semaphore: Semaphore) {
  const granted: number[] = [];
  return {
    granted,
    acquire: async (number: number, signal?: AbortSignal) => {
      await semaphore.acquire(signal);
      granted.push(number);
    },
  };
}

test('grants as many permits as the limit; the others wait and are served in order', async () => {
  const semaphore = new Semaphore(2);
  const { granted, acquire } = createCallers(semaphore);
  for (const number of [1, 2, 3, 4]) void acquire(number);
  await settle();
  expect(granted).toEqual([1, 2]);
  expect(semaphore).toMatchObject({ inUse: 2, isFull: true });
  semaphore.release();
  await settle();
  expect(granted).toEqual([1, 2, 3]);
  semaphore.release();
  semaphore.release();
  semaphore.release();
  await settle();
  expect(granted).toEqual([1, 2, 3, 4]);
  expect(semaphore).toMatchObject({ inUse: 0, isFull: false });
});

test('a caller that arrives when a permit is returned does not overtake a waiting one', async () => {
  const semaphore = new Semaphore(1);
  const { granted, acquire } = createCallers(semaphore);
  await acquire(1);
  void acquire(2);
  semaphore.release();
  void acquire(3);
  await settle();
  expect(granted).toEqual([1, 2]);
});

test('a caller whose signal is aborted stops waiting and takes no permit', async () => {
  const semaphore = new Semaphore(1);
  const { granted, acquire } = createCallers(semaphore);
  await acquire(1);
  const stopping = new AbortController();
  const abandoned = acquire(2, stopping.signal);
  void acquire(3);
  stopping.abort(new Error('stopping'));
  await expect(abandoned).rejects.toThrow('stopping');
  await expect(acquire(4, stopping.signal)).rejects.toThrow('stopping');
  semaphore.release();
  await settle();
  expect(granted).toEqual([1, 3]);
  expect(semaphore.inUse).toBe(1);
});

test('a higher limit serves waiting callers, and a lower one lets permits in use run out', async () => {
  const semaphore = new Semaphore(1);
  const { granted, acquire } = createCallers(semaphore);
  for (const number of [1, 2, 3, 4]) void acquire(number);
  semaphore.resize(3);
  await settle();
  expect(granted).toEqual([1, 2, 3]);
  semaphore.resize(1);
  semaphore.release();
  semaphore.release();
  await settle();
  expect(granted).toEqual([1, 2, 3]);
  semaphore.release();
  await settle();
  expect(granted).toEqual([1, 2, 3, 4]);
});
