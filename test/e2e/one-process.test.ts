import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';
import proto from '@temporalio/proto';
import { eagerStarts } from '../support/eager-starts.ts';
import { eventually } from '../support/eventually.ts';
import { startGrpcProxy } from '../support/grpc-proxy.ts';
import { orderText } from '../support/messages.ts';
import { startOwnTemporal } from '../support/own-temporal.ts';
import { startOtlpReceiver } from '../support/otlp-receiver.ts';
import { runCli, startCli } from '../support/programs.ts';
import { stackAddress } from '../support/stack.ts';
import { createTestSystem, type TestSystem } from '../support/system.ts';
import { READABLE, textOfWorkflow } from '../support/workflow-text.ts';

const { EventType } = proto.temporal.api.enums.v1;

/** `order-ingest run`. test/one-process repeats the tests of other files with it. */
let system: TestSystem;
beforeEach(async () => {
  system = await createTestSystem({ partitions: 3 });
});
afterEach(() => system.close());

/** Neither a slow answer nor a late heartbeat makes the bridge start an order again. */
const PATIENT = { BRIDGE_START_TIMEOUT_MS: '30000', KAFKA_SESSION_TIMEOUT_MS: '30000' };
/** Fewer starts at a time than there are slots for them, so that none waits long for one. */
const FEW_STARTS = { ...PATIENT, BRIDGE_MAX_CONCURRENT_STARTS: '20' };

const orderIds = (count: number) =>
  Array.from({ length: count }, (_, n) => `order-${String(n).padStart(4, '0')}`);
const send = (ids: readonly string[]) =>
  system.topic.send(ids.map((id) => ({ key: id, value: orderText(id) })));
const allStored = (ids: readonly string[]) =>
  eventually(async () => {
    expect(await system.storedOrderIds()).toEqual(ids);
  });

const eventTypesOf = async (id: string) =>
  ((await system.workflow(id).fetchHistory()).events ?? []).map(({ eventType }) => eventType);

test('an order costs two state transitions, and no task goes through the queue, even under load', async () => {
  const program = await system.startBoth(FEW_STARTS);
  const ids = orderIds(300);
  await send(ids);
  await allStored(ids);
  expect(await eagerStarts(program)).toEqual({ eager: 300 });
  // Under load, a task may be extended, which costs more.
  await send(['order-alone']);
  await allStored([...ids, 'order-alone']);
  await system.workflow('order-alone').result();
  const { raw } = await system.workflow('order-alone').describe();
  expect(Number(raw.workflowExecutionInfo?.stateTransitionCount)).toBe(2);
  expect(await program.end('SIGTERM')).toBe(0);
});

const secondsOf = (event: proto.temporal.api.history.v1.IHistoryEvent | undefined) =>
  Number(event?.eventTime?.seconds) + Number(event?.eventTime?.nanos) / 1e9;

test('a kill while the first task runs delays the order by the short timeout of that task', async () => {
  const first = await system.startBoth();
  const lock = await system.database.pool.connect();
  try {
    await lock.query('BEGIN; LOCK TABLE orders IN EXCLUSIVE MODE');
    await send(['held']);
    await eventually(async () => {
      expect(await system.status('held')).toBe('RUNNING');
    });
    expect(await first.end('SIGKILL')).toBe('SIGKILL');
    await system.startBoth();
  } finally {
    await lock.query('ROLLBACK');
    lock.release();
  }
  await allStored(['held']);
  const events = (await system.workflow('held').fetchHistory()).events ?? [];
  const { workflowTaskTimeout } = events[0]?.workflowExecutionStartedEventAttributes ?? {};
  expect(Number(workflowTaskTimeout?.seconds)).toBe(5);
  const timedOut = events.findIndex(
    ({ eventType }) => eventType === EventType.EVENT_TYPE_WORKFLOW_TASK_TIMED_OUT,
  );
  // A slow start of the test lets the first task be extended by a further one.
  const started = events
    .slice(0, timedOut)
    .findLast(({ eventType }) => eventType === EventType.EVENT_TYPE_WORKFLOW_TASK_STARTED);
  const timeout = secondsOf(events[timedOut]) - secondsOf(started);
  expect(timeout).toBeGreaterThan(4);
  // A server on a busy machine notices it late.
  expect(timeout).toBeLessThan(30);
  await expect(system.workflow('held').result()).resolves.toEqual({ outcome: 'stored' });
});

test('without eager starts on the server, every order goes through the queue, and no slot stays claimed', async () => {
  const server = await startOwnTemporal([
    '--dynamic-config-value',
    'system.enableEagerWorkflowStart=false',
  ]);
  try {
    const other = await createTestSystem({ temporalAddress: server.address });
    try {
      const program = await other.startBoth(FEW_STARTS);
      // More than the slots for starts.
      const ids = orderIds(100);
      await other.topic.send(ids.map((id) => ({ key: id, value: orderText(id) })));
      await eventually(async () => {
        expect(await other.storedOrderIds()).toEqual(ids);
      });
      expect(await eagerStarts(program)).toEqual({ no_task: 100 });
    } finally {
      await other.close();
    }
  } finally {
    await server.remove();
  }
});

test('while all slots for starts are taken, orders go through the queue, and afterwards they are eager again', async () => {
  // Six of them are for starts.
  const program = await system.startBoth({ ...PATIENT, WORKER_WORKFLOW_TASK_SLOTS: '9' });
  const lock = await system.database.pool.connect();
  try {
    await lock.query('BEGIN; LOCK TABLE orders IN EXCLUSIVE MODE');
    await send(orderIds(7));
    await eventually(async () => {
      expect(await eagerStarts(program)).toEqual({ eager: 6, no_slot: 1 });
    });
  } finally {
    await lock.query('ROLLBACK');
    lock.release();
  }
  await allStored(orderIds(7));
  await send(['order-0007']);
  await allStored(orderIds(8));
  expect(await eagerStarts(program)).toEqual({ eager: 7, no_slot: 1 });
});

test('a shutdown under load stops the bridge, then the worker, and leaves no order behind', async () => {
  const first = await system.startBoth({
    ...FEW_STARTS,
    BRIDGE_SHUTDOWN_GRACE_MS: '30000',
    WORKER_SHUTDOWN_GRACE_MS: '30000',
  });
  const ids = orderIds(400);
  await send(ids);
  await first.logged('bridge_progress', ({ started }) => Number(started) > 30);
  expect(await first.end('SIGTERM')).toBe(0);
  const order = first.events
    .map(({ event }) => event)
    .filter((event) => event === 'kafka_consumer_closed' || event === 'worker_stopped');
  expect(order).toEqual(['kafka_consumer_closed', 'worker_stopped']);
  const started = Number(
    first.events.findLast(({ event }) => event === 'bridge_progress')?.['started'],
  );
  expect(await system.topic.lag()).toBe(ids.length - started);
  // What has been started is stored: nothing waits for a timeout.
  expect(await system.storedOrderIds()).toHaveLength(started);
  await system.startBoth();
  await allStored(ids);
});

test('a shutdown while the bridge waits for Kafka shuts down the worker, which is already working', async () => {
  // Accepts connections and never answers.
  const broker = createServer((socket) => socket.resume());
  await once(broker.listen(0, '127.0.0.1'), 'listening');
  try {
    const address = broker.address();
    const port = typeof address === 'object' && address ? address.port : 0;
    const program = startCli(['run'], {
      ...{ ...system.workerEnv, ...system.bridgeEnv },
      KAFKA_BROKERS: `127.0.0.1:${port}`,
      LOG_FORMAT: 'json',
    });
    await once(broker, 'connection');
    program.kill('SIGTERM');
    const { exitCode, stdout } = await program.result;
    expect(stdout).toContain('"event":"worker_stopped"');
    expect(exitCode).toBe(0);
  } finally {
    broker.close();
  }
});

test('while the worker is being replaced, orders are started without it and stored afterwards', async () => {
  const proxy = await startGrpcProxy(stackAddress('TEMPORAL_ADDRESS'));
  try {
    const program = await system.startBoth({ ...PATIENT, TEMPORAL_ADDRESS: proxy.address });
    proxy.reject(/Poll(Workflow|Activity)TaskQueue|DescribeNamespace/, {
      code: 8,
      message: 'grpc: received message larger than max',
    });
    await program.logged('worker_failed');
    await send(['meanwhile']);
    await eventually(async () => {
      expect(await system.status('meanwhile')).toBe('RUNNING');
    });
    expect(await eagerStarts(program)).toEqual({ no_worker: 1 });
    proxy.forwardAll();
    await program.logged('worker_replaced');
    // The first task of a worker may take longer than its timeout.
    await allStored(['meanwhile']);
    await send(['afterwards']);
    await allStored(['afterwards', 'meanwhile']);
    expect(await eagerStarts(program)).toEqual({ no_worker: 1, eager: 1 });
    expect(await eventTypesOf('afterwards')).not.toContain(
      EventType.EVENT_TYPE_WORKFLOW_TASK_TIMED_OUT,
    );
    expect(await program.end('SIGTERM')).toBe(0);
  } finally {
    await proxy.close();
  }
});

test('with payload encryption, Temporal has only ciphertext of an order that is started eagerly', async () => {
  const key = `first:${randomBytes(32).toString('base64')}`;
  const program = await system.startBoth({ TEMPORAL_PAYLOAD_KEYS: key });
  await send(['secret']);
  await allStored(['secret']);
  expect(await eagerStarts(program)).toEqual({ eager: 1 });
  await eventually(async () => {
    expect(await eventTypesOf('secret')).toContain(
      EventType.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED,
    );
  });
  const text = await textOfWorkflow(system.client, system.workflowId('secret'));
  expect(text).toContain('binary/encrypted');
  expect(text).not.toMatch(READABLE);
  expect(text).not.toContain('json/plain\n{"text"');
});

test('an order that is started eagerly has one trace, from consume_order to the SQL of the worker', async () => {
  const receiver = await startOtlpReceiver();
  try {
    const program = await system.startBoth({
      OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint,
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
      OTEL_BSP_SCHEDULE_DELAY: '50',
    });
    await send(['traced']);
    await eventually(() => {
      const { spans } = receiver;
      const path: string[] = [];
      let span = spans.find(({ name }) => name === 'INSERT orders');
      while (span) {
        path.push(span.name);
        const { parentSpanId } = span;
        span = spans.find(({ spanId }) => spanId === parentSpanId);
      }
      expect(path).toEqual([
        'INSERT orders',
        'RunActivity:translateAndStoreOrder',
        'StartActivity:translateAndStoreOrder',
        'RunWorkflow:ingestOrder',
        'StartWorkflow:ingestOrder',
        'consume_order',
      ]);
    });
    expect(new Set(receiver.spans.map(({ traceId }) => traceId)).size).toBe(1);
    expect(new Set(receiver.spans.map(({ service }) => service))).toEqual(
      new Set(['order-ingest']),
    );
    expect(await eagerStarts(program)).toEqual({ eager: 1 });
  } finally {
    await receiver.close();
  }
});

test('it ends with the error of the part that cannot run', async () => {
  const env = { ...system.workerEnv, ...system.bridgeEnv };
  const noDatabase = await runCli(['run'], {
    ...env,
    DATABASE_URL: 'postgres://u:p@127.0.0.1:1/x',
  });
  expect(noDatabase).toMatchObject({ exitCode: 1 });
  expect(noDatabase.stderr).toContain('DATABASE_UNREACHABLE');
  const noTopic = await runCli(['run'], { ...env, KAFKA_TOPIC: 'missing' });
  expect(noTopic).toMatchObject({ exitCode: 1 });
  expect(noTopic.stderr).toContain('KAFKA_TOPIC_MISSING');
  expect(noTopic.stdout).toContain('"event":"worker_stopped"');
});

test('it rejects worker versioning together with all other mistakes', async () => {
  const { exitCode, stderr } = await runCli(['run'], {
    TEMPORAL_DEPLOYMENT_NAME: 'orders',
    TEMPORAL_BUILD_ID: '1',
  });
  expect(exitCode).toBe(1);
  expect(stderr).toContain('3 settings are wrong');
  expect(stderr).toContain('KAFKA_BROKERS is not set');
  expect(stderr).toContain('DATABASE_URL is not set');
  expect(stderr).toContain('TEMPORAL_DEPLOYMENT_NAME');
  expect(stderr).not.toMatch(/^ +at /m);
});
