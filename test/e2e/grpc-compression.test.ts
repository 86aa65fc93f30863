import { eventually } from '../support/eventually.ts';
import { startGrpcProxy, type GrpcProxy } from '../support/grpc-proxy.ts';
import { orderText } from '../support/messages.ts';
import { stackAddress } from '../support/stack.ts';
import { createTestSystem, type TestSystem } from '../support/system.ts';

/** A call of the bridge, and two of the worker. */
const CALLS = [
  'StartWorkflowExecution',
  'PollWorkflowTaskQueue',
  'RespondWorkflowTaskCompleted',
] as const;

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

/** Has a bridge and a worker ingest an order through the proxy. */
async function ingest(env: Readonly<Record<string, string>>): Promise<void> {
  const temporal = { TEMPORAL_ADDRESS: proxy.address, ...env };
  await Promise.all([system.startBridge(temporal), system.startWorker(temporal)]);
  await system.topic.send([{ key: 'a', value: orderText('a') }]);
  await eventually(async () => {
    expect(await system.status('a')).toBe('COMPLETED');
  });
}

test('bridge and worker do not compress calls by default', async () => {
  await ingest({});
  for (const method of CALLS) {
    expect(proxy.requestEncodings.get(method)).toEqual(new Set(['']));
    expect(proxy.answerEncodings.get(method)).toEqual(new Set(['']));
  }
});

test('TEMPORAL_GRPC_COMPRESSION=gzip compresses requests and answers of bridge and worker', async () => {
  await ingest({ TEMPORAL_GRPC_COMPRESSION: 'gzip' });
  for (const method of CALLS) {
    expect(proxy.requestEncodings.get(method)).toEqual(new Set(['gzip']));
    expect(proxy.answerEncodings.get(method)).toEqual(new Set(['gzip']));
  }
});
