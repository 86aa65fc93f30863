import { KeyedSequencer } from '../../../../src/bridge/flow-control/keyed-sequencer.ts';

const never = new AbortController().signal;
const settle = () => new Promise(setImmediate);

/** Asks for the key's turn, and records when it is granted. */
function createLog(sequencer: KeyedSequencer) {
  const granted: string[] = [];
  const ask = async (key: string, name: string, signal = never) => {
    await sequencer.acquire(key, signal);
    granted.push(name);
  };
  return { granted, ask };
}

test('callers with the same key proceed one at a time, in the order in which they asked', async () => {
  const sequencer = new KeyedSequencer();
  const { granted, ask } = createLog(sequencer);
  for (const name of ['a1', 'a2', 'a3']) void ask('a', name);
  await settle();
  expect(granted).toEqual(['a1']);
  sequencer.release('a');
  await settle();
  expect(granted).toEqual(['a1', 'a2']);
  sequencer.release('a');
  await settle();
  expect(granted).toEqual(['a1', 'a2', 'a3']);
});

test('callers with different keys do not wait for each other', async () => {
  const { granted, ask } = createLog(new KeyedSequencer());
  await Promise.all([ask('a', 'a'), ask('b', 'b')]);
  expect(granted).toEqual(['a', 'b']);
});

test('a waiting caller whose signal is aborted gives up its place, and the next one still waits', async () => {
  const sequencer = new KeyedSequencer();
  const { granted, ask } = createLog(sequencer);
  await ask('a', 'a1');
  const revoked = new AbortController();
  const abandoned = ask('a', 'a2', revoked.signal);
  void ask('a', 'a3');
  revoked.abort(new Error('revoked'));
  await expect(abandoned).rejects.toThrow('revoked');
  expect(granted).toEqual(['a1']);
  sequencer.release('a');
  await settle();
  expect(granted).toEqual(['a1', 'a3']);
});

test('keys that are not in use take no memory', async () => {
  const sequencer = new KeyedSequencer();
  const aborted = AbortSignal.abort(new Error('stopping'));
  await expect(sequencer.acquire('a', aborted)).rejects.toThrow('stopping');
  for (const key of ['b', 'c']) await sequencer.acquire(key, never);
  expect(sequencer.size).toBe(2);
  for (const key of ['b', 'c']) sequencer.release(key);
  expect(sequencer.size).toBe(0);
});
