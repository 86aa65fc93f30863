import { eventually } from '../support/eventually.ts';
import { startGrpcProxy, type GrpcProxy } from '../support/grpc-proxy.ts';
import { orderText } from '../support/messages.ts';
import { stackAddress } from '../support/stack.ts';
import { createTestSystem, type TestSystem } from '../support/system.ts';

const POLLS_AND_CHECKS = /Poll(Workflow|Activity)TaskQueue|DescribeNamespace/;
/**
 * The SDK retries a poll without limit, except on this error, on which it fails at once. No other error
 * ends a poll without the SDK's grace period of 60 s.
 */
const FATAL_TO_POLLS = { code: 8, message: 'grpc: received message larger than max' };

let system: TestSystem;
let proxy: GrpcProxy;
beforeEach(async () => {
  system = await createTestSystem();
  proxy = await startGrpcProxy(stackAddress('TEMPORAL_ADDRESS'));
});
afterEach(async () => {
  await system.close();
  await proxy.close();
});

test("a worker recovers when the SDK's worker fails for good, and shuts down cleanly even between two of them", async () => {
  const { bridge, worker } = await system.startPair({
    worker: { TEMPORAL_ADDRESS: proxy.address },
  });
  // Polls now fail for good, and the check before a replacement fails as well, as in an outage.
  proxy.reject(POLLS_AND_CHECKS, FATAL_TO_POLLS);
  await worker.logged('worker_failed');
  await worker.logged('worker_not_replaced');
  expect(await worker.http('GET', '/livez')).toMatchObject({ status: 200 });
  const readyz = await worker.http('GET', '/readyz');
  expect(readyz.status).toBe(503);
  expect(readyz.body).toContain('the Temporal worker has failed and is being replaced');

  proxy.forwardAll();
  await worker.logged('worker_replaced');
  await system.topic.send([{ key: 'a', value: orderText('a') }]);
  await eventually(async () => {
    expect(await system.storedOrderIds()).toEqual(['a']);
    expect(await worker.http('GET', '/readyz')).toMatchObject({ status: 200 });
  });

  // The second failure: the shutdown finds no worker that runs.
  proxy.reject(POLLS_AND_CHECKS, FATAL_TO_POLLS);
  await eventually(() => {
    expect(worker.events.filter(({ event }) => event === 'worker_failed')).toHaveLength(2);
  });
  expect(await worker.end('SIGTERM')).toBe(0);
  expect(worker.recentOutput()).toContain('worker_stopped');
  expect(worker.recentOutput()).not.toMatch(/^ +at /m);
  expect(await bridge.end('SIGTERM')).toBe(0);
});
