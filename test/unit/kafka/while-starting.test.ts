import kafkajs from 'kafkajs';
import { isStarting } from '../../../src/kafka/kafkajs-errors.ts';
import { whileStarting } from '../../../src/kafka/while-starting.ts';

const answer = (type: string) =>
  new kafkajs.KafkaJSProtocolError(
    Object.assign(new Error(`answered ${type}`), { type, code: 1, retriable: true }),
  );

const wait = (timeoutMs = 60_000, signal?: AbortSignal) => {
  const reasons: string[] = [];
  return {
    reasons,
    options: {
      timeoutMs,
      onWait: (reason: string) => reasons.push(reason),
      ...(signal ? { signal } : {}),
    },
  };
};

test('a request is retried until it succeeds, and the wait is reported once', async () => {
  const failures = [answer('NOT_COORDINATOR_FOR_GROUP'), answer('NOT_CONTROLLER')];
  const { reasons, options } = wait();
  const result = await whileStarting(() => {
    const failure = failures.shift();
    return failure ? Promise.reject(failure) : Promise.resolve('done');
  }, options);
  expect(result).toBe('done');
  expect(reasons).toEqual(['answered NOT_COORDINATOR_FOR_GROUP']);
});

test('an error that starting does not explain is thrown at once', async () => {
  const error = answer('INVALID_REPLICATION_FACTOR');
  const { reasons, options } = wait();
  await expect(whileStarting(() => Promise.reject(error), options)).rejects.toBe(error);
  expect(reasons).toEqual([]);
});

test('throws the last error after the timeout, and the reason of the signal when aborted', async () => {
  const error = answer('NOT_CONTROLLER');
  await expect(whileStarting(() => Promise.reject(error), wait(0).options)).rejects.toBe(error);
  const stopping = new AbortController();
  const reason = new Error('stopped');
  await expect(
    whileStarting(() => {
      stopping.abort(reason);
      return Promise.reject(error);
    }, wait(60_000, stopping.signal).options),
  ).rejects.toBe(reason);
});

test('a missing coordinator counts as starting even where kafkajs drops the broker answer', () => {
  expect(isStarting(Object.assign(new Error(), { name: 'KafkaJSGroupCoordinatorNotFound' }))).toBe(
    true,
  );
  expect(isStarting(new kafkajs.KafkaJSConnectionError('refused'))).toBe(false);
});
