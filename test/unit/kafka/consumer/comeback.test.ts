import { Comeback } from '../../../../src/kafka/consumer/comeback.ts';

let runs: number;
let waits: number[];
let finals: string[];
let comeback: Comeback;
beforeEach(() => {
  runs = 0;
  waits = [];
  finals = [];
  comeback = new Comeback({
    run: () => Promise.resolve(void (runs += 1)),
    onFinalCrash: ({ message }) => finals.push(message),
    wait(ms, signal) {
      waits.push(ms);
      return signal.aborted ? Promise.reject(new Error('aborted')) : Promise.resolve();
    },
  });
});

const named = (name: string) => Object.assign(new Error('failure'), { name });

/** Lets it crash whenever it has been run, `times` times. */
async function crash(times: number, error = named('TypeError')): Promise<void> {
  for (let n = 0; n < times; n += 1) {
    const before = runs;
    comeback.afterCrash(error);
    for (let turn = 0; turn < 5 && runs === before; turn += 1) await Promise.resolve();
  }
}

test('a consumer that crashes each time it is run is given up after the seventh crash', async () => {
  await crash(6);
  expect(runs).toBe(6);
  expect(waits).toEqual([1000, 2000, 4000, 8000, 16_000, 32_000]);
  expect(finals).toEqual([]);
  await crash(1);
  expect(finals).toEqual(['failure']);
});

test('the crashes before a success do not count', async () => {
  await crash(6);
  comeback.succeeded();
  await crash(6);
  expect(finals).toEqual([]);
});

test('a group coordinator that is down for an hour is no reason to give up', async () => {
  await crash(60, named('KafkaJSGroupCoordinatorNotFound'));
  // As kafkajs wraps what fails while the consumer runs.
  const cause = named('KafkaJSLockTimeout');
  await crash(60, Object.assign(named('KafkaJSNonRetriableError'), { cause }));
  expect(runs).toBe(120);
  expect(Math.max(...waits)).toBe(10_000);
  expect(finals).toEqual([]);
});

test('restarts by kafkajs itself wait longer each time, up to ten seconds', async () => {
  for (let n = 0; n < 7; n += 1) expect(await comeback.beforeRestart()).toBe(true);
  expect(waits).toEqual([500, 1000, 2000, 4000, 8000, 10_000, 10_000]);
  comeback.succeeded();
  await comeback.beforeRestart();
  expect(waits.at(-1)).toBe(500);
});

test('nothing is run again once it is to stop', async () => {
  await comeback.stop();
  expect(await comeback.beforeRestart()).toBe(false);
  await crash(10);
  expect(runs).toBe(0);
  expect(finals).toEqual([]);
});
