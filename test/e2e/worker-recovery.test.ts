import { eventually } from '../support/eventually.ts';
import { startFrontendProxy, type FrontendProxy } from '../support/frontend-proxy.ts';
import { orderText } from '../support/messages.ts';
import { stackAddress } from '../support/stack.ts';
import { createTestSystem, type TestSystem } from '../support/system.ts';

const POLLS = ['PollWorkflowTaskQueue', 'PollActivityTaskQueue'];

let system: TestSystem;
let proxy: FrontendProxy;
beforeEach(async () => {
  system = await createTestSystem();
  proxy = await startFrontendProxy(stackAddress('TEMPORAL_ADDRESS'));
});
afterEach(async () => {
  await system.close();
  await proxy.close();
});

test("recovers from the end of the SDK's worker, and shuts down cleanly before and after", async () => {
  const [bridge, worker] = await Promise.all([
    system.startBridge(),
    system.startWorker({ TEMPORAL_ADDRESS: proxy.address }),
  ]);
  // From now on the polls fail for good; other calls do not answer either, as in an outage.
  proxy.refuse([...POLLS, 'DescribeNamespace']);
  await worker.saw('worker_failed');
  await worker.saw('worker_not_replaced');
  expect(await worker.http('GET', '/livez')).toMatchObject({ status: 200 });
  const readyz = await worker.http('GET', '/readyz');
  expect(readyz.status).toBe(503);
  expect(readyz.body).toContain('the Temporal worker has failed and is being replaced');

  proxy.refuse([]);
  await worker.saw('worker_replaced');
  await system.topic.send([{ key: 'a', value: orderText('a') }]);
  await eventually(async () => {
    expect(await system.storedOrderIds()).toEqual(['a']);
    expect(await worker.http('GET', '/readyz')).toMatchObject({ status: 200 });
  });

  // While it has failed and is between two workers.
  proxy.refuse([...POLLS, 'DescribeNamespace']);
  await eventually(() => {
    expect(worker.events.filter(({ event }) => event === 'worker_failed')).toHaveLength(2);
  });
  expect(await worker.end('SIGTERM')).toBe(0);
  expect(worker.lastWords()).toContain('worker_stopped');
  expect(worker.lastWords()).not.toMatch(/^ +at /m);
  expect(await bridge.end('SIGTERM')).toBe(0);
});
