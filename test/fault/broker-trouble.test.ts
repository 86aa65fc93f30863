import { eventually } from '../support/eventually.ts';
import { createTopics } from '../support/kafka.ts';
import { orderText } from '../support/messages.ts';
import { metricValue } from '../support/metrics.ts';
import type { RunningProgram } from '../support/programs.ts';
import { stackAddress, uniqueName } from '../support/stack.ts';
import { createTestSystem, STARTED, type TestSystem } from '../support/system.ts';
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts';

let system: TestSystem;
let proxy: TcpProxy;
beforeEach(async () => {
  system = await createTestSystem();
  proxy = await startTcpProxy(stackAddress('TEMPORAL_ADDRESS'));
});
afterEach(async () => {
  await system.close();
  await proxy.close();
});

async function send(count: number): Promise<readonly string[]> {
  const ids = Array.from({ length: count }, () => uniqueName('order'));
  await system.topic.send(ids.map((id) => ({ key: id, value: orderText(id) })));
  return ids;
}

/** A bridge that reaches Temporal through the proxy. */
const startBridge = () => system.startBridge({ TEMPORAL_ADDRESS: `127.0.0.1:${proxy.port}` });

async function expectStarted(ids: readonly string[]): Promise<void> {
  await system.allCommitted();
  for (const id of ids) expect(await system.status(id)).toMatch(STARTED);
}

async function expectNotReady(bridge: RunningProgram, reason: RegExp): Promise<void> {
  await eventually(async () => {
    const { status, body } = await bridge.http('GET', '/readyz');
    expect(status).toBe(503);
    expect(body).toMatch(reason);
  });
}

const deleteBefore = (offset: number) =>
  system.topic.admin.deleteTopicRecords({
    topic: system.topic.name,
    partitions: [{ partition: 0, offset: String(offset) }],
  });

/** Deletes the topic and creates it again as soon as the broker allows it. */
async function recreateTopic(): Promise<void> {
  const { admin, kafka, name } = system.topic;
  await admin.deleteTopics({ topics: [name] });
  await eventually(() => createTopics(kafka, [{ topic: name, numPartitions: 1 }]));
}

test('messages deleted while no bridge runs are reported until an operator acknowledges it, and the rest is read', async () => {
  const first = await startBridge();
  await send(10);
  await system.allCommitted();
  expect(await first.end('SIGTERM')).toBe(0);
  const ids = await send(30);
  await deleteBefore(25);

  const bridge = await startBridge();
  await expectStarted(ids.slice(15));
  const lost = await bridge.logged('messages_lost');
  expect(lost).toMatchObject({ partition: 0, from: '10', to: '25' });
  await expectNotReady(bridge, /offsets 10 to 24 were deleted before they were read/);
  expect((await bridge.http('GET', '/metrics')).body).toContain(
    `order_ingest_messages_lost_total{topic="${system.topic.name}",partition="0"} 15`,
  );
  expect((await bridge.http('POST', '/resume')).status).toBe(200);
  await eventually(async () => {
    expect(await bridge.http('GET', '/readyz')).toMatchObject({ status: 200 });
  });
});

/** Sends messages in a transaction and aborts it. */
async function sendAborted(count: number): Promise<void> {
  const transactionalId = uniqueName('transaction');
  const producer = system.topic.kafka.producer({ transactionalId, maxInFlightRequests: 1 });
  await producer.connect();
  const transaction = await producer.transaction();
  const messages = Array.from({ length: count }, (_, n) => ({ value: orderText(`aborted-${n}`) }));
  await transaction.send({ topic: system.topic.name, messages });
  await transaction.abort();
  await producer.disconnect();
}

test('a log that contains only an aborted transaction is committed', async () => {
  await sendAborted(3);
  const bridge = await startBridge();
  await system.allCommitted();
  const { body } = await bridge.http('GET', '/metrics');
  expect(metricValue(body, 'order_ingest_commit_age_seconds')).toBe(0);
  const [id = ''] = await send(1);
  await expectStarted([id]);
});

test('deleted messages are reported if an aborted transaction follows them', async () => {
  const first = await startBridge();
  await send(10);
  await system.allCommitted();
  await first.end('SIGTERM');
  await send(5);
  await sendAborted(3);
  await deleteBefore(15);
  const bridge = await startBridge();
  expect(await bridge.logged('messages_lost')).toMatchObject({ from: '10', to: '15' });
  await system.allCommitted();
});

test('messages deleted while the bridge waits for Temporal are reported, and the rest is read', async () => {
  const bridge = await startBridge();
  await send(10);
  await system.allCommitted();
  await proxy.cut();
  const inProgress = await send(5);
  await bridge.logged('dependency_unavailable');
  // Not fetched yet: the batch in progress has to end first.
  const later = await send(40);
  await deleteBefore(40);
  await proxy.restore();
  await expectStarted([...inProgress, ...later.slice(25)]);
  expect(await bridge.logged('messages_lost')).toMatchObject({ from: '15', to: '40' });
  await expectNotReady(bridge, /offsets 15 to 39 were deleted/);
});

test('a topic that is recreated while the bridge waits for Temporal is read from its first message', async () => {
  const bridge = await startBridge();
  await send(30);
  await system.allCommitted();
  await proxy.cut();
  await send(20);
  await bridge.logged('dependency_unavailable');
  await recreateTopic();
  // More than in the old topic: the old offset is valid in the new topic.
  const ids = await send(100);
  await proxy.restore();
  await eventually(async () => {
    for (const id of ids) expect(await system.status(id)).toMatch(STARTED);
  });
  await system.allCommitted();
  expect(await system.topic.deadLetters()).toEqual([]);
  expect(await bridge.end('SIGTERM')).toBe(0);
});

test('a topic that is recreated while the bridge is idle is read from its first message', async () => {
  const bridge = await startBridge();
  await send(30);
  await system.allCommitted();
  await recreateTopic();
  const ids = await send(100);
  await expectStarted(ids);
  expect(await bridge.end('SIGTERM')).toBe(0);
});

test('a group whose offsets were deleted is not treated as new: it reads from the oldest message', async () => {
  const env = { KAFKA_AUTO_OFFSET_RESET: 'latest' };
  const first = await system.startBridge(env);
  const before = await send(5);
  await system.allCommitted();
  await first.end('SIGTERM');
  const meanwhile = await send(5);
  await eventually(() => system.topic.admin.deleteGroups([system.topic.groupId]));
  const second = await system.startBridge(env);
  await second.logged('offsets_expired');
  await expectStarted([...before, ...meanwhile]);
});

test('a bridge whose topic was deleted is not ready', async () => {
  const bridge = await system.startBridge();
  await system.topic.admin.deleteTopics({ topics: [system.topic.name] });
  await expectNotReady(bridge, /fetching from broker 1 fails|consumer has failed/);
});
