import { jest } from '@jest/globals';
import RequestQueue from 'kafkajs/src/network/requestQueue/index.js';
import { disableIdlePolling } from '../../../../src/kafka/patches/idle-connections.ts';

const REQUEST_TIMEOUT_MS = 30_000;

const newQueue = (options: { enforceRequestTimeout?: boolean; isConnected?: () => boolean } = {}) =>
  new RequestQueue({
    maxInFlightRequests: 1,
    requestTimeout: REQUEST_TIMEOUT_MS,
    enforceRequestTimeout: false,
    clientId: 'test',
    broker: 'test',
    logger: { debug: () => undefined, warn: () => undefined },
    ...options,
  });

const request = (correlationId: number, sendRequest: () => void, reject = () => undefined) => ({
  entry: { correlationId, apiKey: 0, apiName: 'Fetch', reject },
  expectResponse: true,
  sendRequest,
});

/** A queue whose only request has been answered. */
function idleQueue(): RequestQueue {
  const queue = newQueue();
  queue.fulfillRequest({ correlationId: 0, size: 0, payload: Buffer.alloc(0) });
  return queue;
}

const nextPoll = (queue: RequestQueue) => queue.throttleCheckTimeoutId ?? undefined;

/** How often a connected queue looks for requests that are not answered in time. */
function checksPerSecond(): number {
  let checks = 0;
  const isConnected = () => {
    checks += 1;
    return true;
  };
  const queue = newQueue({ enforceRequestTimeout: true, isConnected });
  queue.scheduleRequestTimeoutCheck();
  jest.advanceTimersByTime(10_000);
  queue.destroy();
  return checks / 10;
}

beforeEach(() => {
  jest.useFakeTimers();
});
afterEach(() => {
  jest.useRealTimers();
});

// Once kafkajs does neither, the patch is not needed any more.
describe('kafkajs by itself', () => {
  test('polls an idle connection', () => {
    const timer = nextPoll(idleQueue());
    expect(timer).toBeDefined();
    clearTimeout(timer);
  });

  test('checks for timeouts ten times per second', () => {
    expect(checksPerSecond()).toBe(10);
  });
});

describe('with the patch', () => {
  beforeAll(disableIdlePolling);

  test('an idle connection is not polled', () => {
    expect(nextPoll(idleQueue())).toBeUndefined();
  });

  test('a request that the broker has throttled is sent when the throttling ends', () => {
    const queue = newQueue();
    queue.maybeThrottle(20);
    const send = jest.fn();
    queue.push(request(1, send));
    expect(queue.pending).toHaveLength(1);
    jest.advanceTimersByTime(30);
    expect(send).toHaveBeenCalledTimes(1);
    expect(queue.pending).toHaveLength(0);
    expect(nextPoll(queue)).toBeUndefined();
  });

  test('timeouts are checked once per second', () => {
    expect(checksPerSecond()).toBe(1);
  });

  test('a request that is not answered is rejected within a second of its timeout', () => {
    const queue = newQueue({ enforceRequestTimeout: true });
    queue.scheduleRequestTimeoutCheck();
    const reject = jest.fn(() => undefined);
    queue.push(request(1, () => undefined, reject));
    jest.advanceTimersByTime(REQUEST_TIMEOUT_MS);
    expect(reject).not.toHaveBeenCalled();
    jest.advanceTimersByTime(1000);
    expect(reject).toHaveBeenCalledTimes(1);
    queue.destroy();
  });

  test('a connection that has been lost is not checked any more', () => {
    const queue = newQueue({ enforceRequestTimeout: true, isConnected: () => false });
    queue.scheduleRequestTimeoutCheck();
    jest.advanceTimersByTime(1000);
    expect(jest.getTimerCount()).toBe(0);
  });
});
