import RequestQueue from 'kafkajs/src/network/requestQueue/index.js';
import { disableIdlePolling } from '../../../../src/kafka/patches/idle-connections.ts';

disableIdlePolling();

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
  entry: { correlationId },
  expectResponse: true,
  sendRequest,
});

test('a connection of which nobody wants anything rests', () => {
  const queue = newQueue();
  queue.fulfillRequest({ correlationId: 0, size: 0, payload: Buffer.alloc(0) });
  expect(queue.throttleCheckTimeoutId ?? undefined).toBeUndefined();
});

test('a request that the broker has throttled is sent when its time has come', async () => {
  const queue = newQueue();
  queue.maybeThrottle(20);
  const sent = new Promise<void>((resolve) => {
    queue.push(request(1, resolve));
  });
  expect(queue.pending).toHaveLength(1);
  await sent;
  expect(queue.pending).toHaveLength(0);
  expect(queue.throttleCheckTimeoutId ?? undefined).toBeUndefined();
});
