import RequestQueue from 'kafkajs/src/network/requestQueue/index.js';
import { disableIdlePolling } from '../../../../src/kafka/patches/idle-connections.ts';

const newQueue = () =>
  new RequestQueue({
    maxInFlightRequests: 1,
    requestTimeout: 1000,
    enforceRequestTimeout: false,
    clientId: 'test',
    broker: 'test',
    logger: { debug: () => undefined, warn: () => undefined },
  });

const request = (correlationId: number, sendRequest: () => void) => ({
  entry: { correlationId, apiKey: 0, reject: () => undefined },
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

// Once kafkajs does not poll, the patch is not needed any more.
test('kafkajs by itself polls an idle connection', () => {
  const timer = nextPoll(idleQueue());
  expect(timer).toBeDefined();
  clearTimeout(timer);
});

describe('with the patch', () => {
  beforeAll(disableIdlePolling);

  test('an idle connection is not polled', () => {
    expect(nextPoll(idleQueue())).toBeUndefined();
  });

  test('a request that the broker has throttled is sent when the throttling ends', async () => {
    const queue = newQueue();
    queue.maybeThrottle(20);
    const sent = new Promise<void>((resolve) => {
      queue.push(request(1, resolve));
    });
    expect(queue.pending).toHaveLength(1);
    await sent;
    expect(queue.pending).toHaveLength(0);
    expect(nextPoll(queue)).toBeUndefined();
  });
});
