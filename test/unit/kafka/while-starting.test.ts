import { jest } from '@jest/globals';
import kafkajs from 'kafkajs';
import { concernsOneBroker, isStarting } from '../../../src/kafka/kafkajs-errors.ts';
import { duringFailover, whileStarting } from '../../../src/kafka/while-starting.ts';

const answer = (type: string) =>
  new kafkajs.KafkaJSProtocolError(
    Object.assign(new Error(`answered ${type}`), { type, code: 1, retriable: true }),
  );

const wait = (timeoutMs = 60_000) => {
  const reasons: string[] = [];
  return {
    reasons,
    options: {
      timeoutMs,
      onWait: (reason: string) => reasons.push(reason),
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

test('throws the last error after the timeout', async () => {
  const error = answer('NOT_CONTROLLER');
  await expect(whileStarting(() => Promise.reject(error), wait(0).options)).rejects.toBe(error);
});

test('a missing coordinator counts as starting even where kafkajs drops the broker answer', () => {
  expect(isStarting(Object.assign(new Error(), { name: 'KafkaJSGroupCoordinatorNotFound' }))).toBe(
    true,
  );
  expect(isStarting(new kafkajs.KafkaJSConnectionError('refused'))).toBe(false);
});

/** A broker that refuses connections while another one is connected. */
function oneBrokerRefuses(): Error {
  const error = new kafkajs.KafkaJSConnectionError('refused');
  concernsOneBroker(error);
  return error;
}

const failingWith = (...failures: readonly Error[]) => {
  const left = [...failures];
  return () => {
    const failure = left.shift();
    return failure ? Promise.reject(failure) : Promise.resolve('done');
  };
};

test('a broker that is unreachable while others are not is waited for, at start-up and by commands', async () => {
  const { reasons, options } = wait();
  await expect(whileStarting(failingWith(oneBrokerRefuses()), options)).resolves.toBe('done');
  expect(reasons).toEqual(['refused']);
  const wrapped = new Error('gave up', { cause: oneBrokerRefuses() });
  await expect(duringFailover(failingWith(wrapped, oneBrokerRefuses()))).resolves.toBe('done');
});

test('the wait for other brokers to take over is bounded, and no other error is waited for', async () => {
  const refused = oneBrokerRefuses();
  await expect(duringFailover(() => Promise.reject(refused), 0)).rejects.toBe(refused);
  for (const error of [
    new kafkajs.KafkaJSConnectionError('no bootstrap broker'),
    answer('GROUP_COORDINATOR_NOT_AVAILABLE'),
  ]) {
    await expect(duringFailover(failingWith(error))).rejects.toBe(error);
  }
});

test('the wait begins with the first failure, however long the request had been at work', async () => {
  const clock = jest.spyOn(performance, 'now');
  let now = 1;
  clock.mockImplementation(() => now);
  try {
    const failing = failingWith(oneBrokerRefuses());
    const request = () => {
      now += 3_600_000;
      return failing();
    };
    await expect(duringFailover(request, 10_000)).resolves.toBe('done');
  } finally {
    clock.mockRestore();
  }
});
