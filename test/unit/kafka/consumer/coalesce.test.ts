import { coalesce } from '../../../../src/kafka/consumer/coalesce.ts';

let started: number;
let finish: () => void;
let call: () => Promise<void>;
beforeEach(() => {
  started = 0;
  finish = () => undefined;
  call = coalesce(() => {
    started += 1;
    return new Promise((resolve) => (finish = resolve));
  });
});

/** Lets everything happen that waits for nothing but its turn. */
const settle = () => new Promise(setImmediate);

test('one run begins only when the run before it has ended', async () => {
  const first = call();
  await settle();
  const second = call();
  await settle();
  expect(started).toBe(1);
  finish();
  await first;
  await settle();
  expect(started).toBe(2);
  finish();
  await second;
});

test('calls that wait for their turn share one run', async () => {
  const calls = [call()];
  await settle();
  calls.push(...Array.from({ length: 20 }, call));
  finish();
  await settle();
  finish();
  await Promise.all(calls);
  expect(started).toBe(2);
});
