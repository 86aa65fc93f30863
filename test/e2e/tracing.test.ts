import { orderText } from '../support/messages.ts';
import { eventually } from '../support/eventually.ts';
import {
  startOtlpReceiver,
  type OtlpReceiver,
  type ReceivedSpan,
} from '../support/otlp-receiver.ts';
import { runCli } from '../support/programs.ts';
import { createTestSystem, type TestSystem } from '../support/system.ts';

/** The traces that a collector receives from a bridge and a worker, each in its own process. */
let system: TestSystem;
let receiver: OtlpReceiver;
beforeEach(async () => {
  [system, receiver] = await Promise.all([createTestSystem(), startOtlpReceiver()]);
});
afterEach(async () => {
  await system.close();
  await receiver.close();
});

const PRODUCER_TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const PRODUCER_SPAN = '00f067aa0ba902b7';
const traceparent = (flags: '00' | '01') => `00-${PRODUCER_TRACE}-${PRODUCER_SPAN}-${flags}`;

const exporting = () => ({
  OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint,
  OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
  OTEL_BSP_SCHEDULE_DELAY: '50',
});

/** The names of the parents of a span up to the producer, nearest first. */
function ancestors(span: ReceivedSpan): readonly string[] {
  if (span.parentSpanId === PRODUCER_SPAN) return ['the producer'];
  const parent = receiver.spans.find(({ spanId }) => spanId === span.parentSpanId);
  return parent ? [parent.name, ...ancestors(parent)] : ['nothing'];
}

test('producer, consume_order, start, workflow, activity and SQL form one trace', async () => {
  const [bridge] = await Promise.all([
    system.startBridge({ ...exporting(), LOG_LEVEL: 'debug' }),
    system.startWorker(exporting()),
  ]);
  await system.topic.send([
    { key: 'traced', value: orderText('traced'), headers: { traceparent: traceparent('01') } },
  ]);
  const sql = await eventually(() => {
    const [found, ...others] = receiver.spans.filter(({ name }) => name === 'INSERT orders');
    if (!found) throw new Error('no span of SQL');
    expect(others).toEqual([]);
    // Bridge and worker export their spans independently.
    expect(ancestors(found)).toEqual([
      'RunActivity:translateAndStoreOrder',
      'StartActivity:translateAndStoreOrder',
      'RunWorkflow:ingestOrder',
      'StartWorkflow:ingestOrder',
      'consume_order',
      'the producer',
    ]);
    return found;
  });
  for (const span of receiver.spans) expect(span.traceId).toBe(PRODUCER_TRACE);
  expect(receiver.spans.find(({ name }) => name === 'consume_order')).toMatchObject({
    service: 'order-ingest-bridge',
    kind: 5, // CONSUMER
    attributes: {
      'messaging.system': 'kafka',
      'messaging.destination.name': system.topic.name,
      'messaging.destination.partition.id': '0',
      'messaging.kafka.offset': 0,
      'messaging.consumer.group.name': system.topic.groupId,
      'order_ingest.order_id': 'traced',
      'order_ingest.outcome': 'started',
    },
  });
  expect(sql).toMatchObject({
    service: 'order-ingest-worker',
    attributes: {
      'db.system.name': 'postgresql',
      'db.query.text': expect.stringContaining('INSERT INTO "orders"'),
    },
  });
  expect(JSON.stringify(receiver.spans)).not.toContain('Ada Lovelace');
  expect(await bridge.logged('workflow_started')).toMatchObject({ trace_id: PRODUCER_TRACE });
});

test('a message without a context starts a new trace, and an unsampled one is not exported', async () => {
  await Promise.all([system.startBridge(exporting()), system.startWorker(exporting())]);
  await system.topic.send([
    {
      key: 'unsampled',
      value: orderText('unsampled'),
      headers: { traceparent: traceparent('00') },
    },
    { key: 'fresh', value: orderText('fresh') },
  ]);
  await eventually(async () => {
    expect(await system.storedOrderIds()).toEqual(['fresh', 'unsampled']);
    expect(receiver.spans.map(({ name }) => name)).toContain('RunWorkflow:ingestOrder');
  });
  const traces = new Set(receiver.spans.map(({ traceId }) => traceId));
  expect([...traces]).toEqual([expect.not.stringMatching(PRODUCER_TRACE)]);
});

test('without an endpoint, the order is stored and nothing is traced', async () => {
  await Promise.all([system.startBridge(), system.startWorker()]);
  await system.topic.send([
    { key: 'plain', value: orderText('plain'), headers: { traceparent: traceparent('01') } },
  ]);
  await eventually(async () => {
    expect(await system.storedOrderIds()).toEqual(['plain']);
  });
  const { events } = await system.workflow('plain').fetchHistory();
  expect(events?.[0]?.workflowExecutionStartedEventAttributes?.header?.fields ?? {}).toEqual({});
});

test('an unsupported exporter is rejected', async () => {
  const { exitCode, stderr } = await runCli(['bridge'], {
    ...system.bridgeEnv,
    OTEL_TRACES_EXPORTER: 'jaeger',
  });
  expect(exitCode).toBe(1);
  expect(stderr).toContain('OTEL_TRACES_EXPORTER is "jaeger"');
});
