import { defaultDataConverter, defaultPayloadConverter } from '@temporalio/common';
import proto from '@temporalio/proto';
import Long from 'long';
import { isDelayed, toOrderWorkflow } from '../../../src/temporal/order-workflow.ts';

const { WorkflowExecutionStatus: Status } = proto.temporal.api.enums.v1;

/** A client without encryption. */
const CLIENT = { options: { loadedDataConverter: defaultDataConverter } } as never;

const payloads = (values: Readonly<Record<string, unknown>>) =>
  Object.fromEntries(
    Object.entries(values).map(([key, value]) => [key, defaultPayloadConverter.toPayload(value)]),
  );

type Info = proto.temporal.api.workflow.v1.IWorkflowExecutionInfo;

const workflowOf = (info: Info, pendingActivities = {}) =>
  toOrderWorkflow(
    CLIENT,
    {
      workflowExecutionInfo: {
        execution: { workflowId: 'order:A-1', runId: 'run' },
        status: Status.WORKFLOW_EXECUTION_STATUS_RUNNING,
        ...info,
      },
      ...pendingActivities,
    },
    'order:',
  );

test('takes the order ID from the workflow ID, and the source from the search attributes', async () => {
  const indexedFields = payloads({ SourceTopic: 'orders', SourcePartition: 3, SourceOffset: 17 });
  expect(await workflowOf({ searchAttributes: { indexedFields } })).toMatchObject({
    orderId: 'A-1',
    workflowId: 'order:A-1',
    runId: 'run',
    status: 'running',
    source: { topic: 'orders', partition: 3, offset: 17 },
  });
});

test('knows the fingerprints of the message and of its correction', async () => {
  const fields = {
    fingerprint: '2:message',
    correction: { by: 'Ada', fingerprint: '2:corrected' },
  };
  expect((await workflowOf({ memo: { fields: payloads(fields) } }))?.fingerprints).toEqual([
    '2:message',
    '2:corrected',
  ]);
});

test('a workflow that was started by hand has no fingerprint and no source', async () => {
  expect(await workflowOf({})).toMatchObject({
    fingerprints: [],
    replay: undefined,
    source: { topic: undefined, partition: undefined, offset: undefined },
  });
});

test.each([
  ['RUNNING', 'running'],
  ['PAUSED', 'running'],
  ['CONTINUED_AS_NEW', 'running'],
  ['COMPLETED', 'completed'],
  ['FAILED', 'failed'],
  ['CANCELED', 'cancelled'],
  ['TERMINATED', 'terminated'],
  ['TIMED_OUT', 'timed-out'],
] as const)('status %s is %s', async (name, status) => {
  expect((await workflowOf({ status: Status[`WORKFLOW_EXECUTION_STATUS_${name}`] }))?.status).toBe(
    status,
  );
});

test('lists pending activities with their attempt, last failure and next attempt', async () => {
  const seconds = proto.google.protobuf.Timestamp.create({ nanos: 500_000_000 });
  seconds.seconds = seconds.seconds.add(10);
  const pendingActivities = [
    {
      activityId: '2',
      activityType: { name: 'storeOrder' },
      attempt: 6,
      lastFailure: { message: 'SQLSTATE 53100' },
      nextAttemptScheduleTime: seconds,
    },
    { activityId: '3', activityType: { name: 'storeOrder' }, attempt: 1 },
  ];
  expect((await workflowOf({}, { pendingActivities }))?.pending).toEqual([
    {
      id: '2',
      activity: 'storeOrder',
      attempt: 6,
      lastFailure: 'SQLSTATE 53100',
      nextAttemptAt: 10_500,
    },
    {
      id: '3',
      activity: 'storeOrder',
      attempt: 1,
      lastFailure: undefined,
      nextAttemptAt: undefined,
    },
  ]);
});

test('is undefined when the description has no workflow', async () => {
  expect(await toOrderWorkflow(CLIENT, {}, 'order:')).toBeUndefined();
});

describe('start delay and priority', () => {
  const seconds = (count: number) => ({ seconds: Long.fromNumber(count), nanos: 0 });
  const now = Math.floor(Date.now() / 1000);
  const delayed = { startTime: seconds(now), executionTime: seconds(now + 600) };

  test('a run waits for its delay while it is running and the delay has not ended', async () => {
    const run = await workflowOf(delayed);
    expect(run).toMatchObject({ delayedUntil: (now + 600) * 1000 });
    expect(run && isDelayed(run)).toBe(true);
    for (const other of [
      { startTime: seconds(now), executionTime: seconds(now) },
      { startTime: seconds(now - 600), executionTime: seconds(now - 1) },
      { ...delayed, status: Status.WORKFLOW_EXECUTION_STATUS_TERMINATED },
    ]) {
      const notWaiting = await workflowOf(other);
      expect(notWaiting && isDelayed(notWaiting)).toBe(false);
    }
  });

  test('the defaults of the server are not shown as a priority', async () => {
    const priority = { priorityKey: 5, fairnessKey: 'C-7' };
    expect(await workflowOf({ priority })).toMatchObject({ priority: 5, fairnessKey: 'C-7' });
    const none = { priorityKey: 0, fairnessKey: '' };
    expect(await workflowOf({ priority: none })).toMatchObject({
      priority: undefined,
      fairnessKey: undefined,
    });
  });
});
