import { ConsumerRestarts } from '../../../../src/kafka/consumer/consumer-restarts.ts';

let runs: number;
let waits: number[];
let finals: string[];
let restarts: ConsumerRestarts;
beforeEach(() => {
  runs = 0;
  waits = [];
  finals = [];
  restarts = new ConsumerRestarts({
    run: () => Promise.resolve(void (runs += 1)),
    onFinalCrash: ({ message }) => finals.push(message),
    wait(ms, signal) {
      waits.push(ms);
      return signal.aborted ? Promise.reject(new Error('aborted')) : Promise.resolve();
    },
  });
});

const named = (name: string) => Object.assign(new Error('failure'), { name });

/** Crashes the consumer, and crashes it again whenever it has been run, `times` times. */
async function crash(times: number, error = named('TypeError')): Promise<void> {
  for (let n = 0; n < times; n += 1) {
    const before = runs;
    restarts.afterCrash(error);
    for (let turn = 0; turn < 5 && runs === before; turn += 1) await Promise.resolve();
  }
}

test('a consumer that crashes whenever it is run is given up at the seventh crash', async () => {
  await crash(6);
  expect(runs).toBe(6);
  expect(waits).toEqual([1000, 2000, 4000, 8000, 16_000, 32_000]);
  expect(finals).toEqual([]);
  await crash(1);
  expect(finals).toEqual(['failure']);
});

test('crashes before a reset do not count', async () => {
  await crash(6);
  restarts.reset();
  await crash(6);
  expect(finals).toEqual([]);
});

test('a consumer is not given up while the group coordinator is down, even for an hour', async () => {
  await crash(60, named('KafkaJSGroupCoordinatorNotFound'));
  // kafkajs wraps errors of a running consumer.
  const cause = named('KafkaJSLockTimeout');
  await crash(60, Object.assign(named('KafkaJSNonRetriableError'), { cause }));
  expect(runs).toBe(120);
  expect(Math.max(...waits)).toBe(10_000);
  expect(finals).toEqual([]);
});

test('restarts by kafkajs are delayed by twice as long each time, up to ten seconds', async () => {
  for (let n = 0; n < 7; n += 1) expect(await restarts.beforeRestart()).toBe(true);
  expect(waits).toEqual([500, 1000, 2000, 4000, 8000, 10_000, 10_000]);
  restarts.reset();
  await restarts.beforeRestart();
  expect(waits.at(-1)).toBe(500);
});

test('nothing is run again after stop', async () => {
  await restarts.stop();
  expect(await restarts.beforeRestart()).toBe(false);
  await crash(10);
  expect(runs).toBe(0);
  expect(finals).toEqual([]);
});
