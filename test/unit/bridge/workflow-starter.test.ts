import { setTimeout as delay } from 'node:timers/promises';
import { status } from '@grpc/grpc-js';
import { defaultDataConverter } from '@temporalio/common';
import proto from '@temporalio/proto';
import { payload, type OrderToStart } from '../../../src/bridge/start-request.ts';
import {
  createWorkflowStarter,
  type WorkflowStarterOptions,
} from '../../../src/bridge/workflow-starter.ts';
import { parseOrderId } from '../../../src/contract/order-id.ts';
import { FINGERPRINT_MEMO } from '../../../src/contract/workflow-metadata.ts';
import { reader } from '../../support/built-in-order.ts';

const { WORKFLOW_EXECUTION_STATUS_COMPLETED } = proto.temporal.api.enums.v1.WorkflowExecutionStatus;

const NEVER = new AbortController().signal;
const DELAYED = { priority: 5, fairnessKey: 'from-module', startDelayMs: 60_000 } as const;

function order(): OrderToStart {
  const orderId = parseOrderId('A-1');
  if (!orderId.ok) throw new Error(orderId.expected);
  const source = { topic: 'orders', partition: 0, offset: '17', timestamp: '0' };
  return {
    orderId: orderId.value,
    fingerprint: '2:a',
    message: { text: '{}', source },
    start: DELAYED,
  };
}

/** A starter over a Temporal in which the order has completed, and the requests that it has sent. */
function createStarter(
  replayId: string | undefined,
  options: Partial<WorkflowStarterOptions> = {},
) {
  const requests: proto.temporal.api.workflowservice.v1.IStartWorkflowExecutionRequest[] = [];
  const client = {
    options: { namespace: 'default', loadedDataConverter: defaultDataConverter },
    connection: { withDeadline: (_: number, work: () => Promise<unknown>) => work() },
    workflowService: {
      describeWorkflowExecution: () =>
        Promise.resolve({
          workflowExecutionInfo: {
            execution: { workflowId: 'order:A-1', runId: 'first' },
            status: WORKFLOW_EXECUTION_STATUS_COMPLETED,
            memo: { fields: { [FINGERPRINT_MEMO]: payload(order().fingerprint) } },
          },
        }),
      getWorkflowExecutionHistory: () =>
        Promise.resolve({
          history: {
            events: [
              {
                workflowExecutionStartedEventAttributes: {
                  priority: { priorityKey: 1, fairnessKey: 'C-7', fairnessWeight: 2 },
                },
              },
            ],
          },
        }),
      startWorkflowExecution: (request: (typeof requests)[number]) => {
        requests.push(request);
        return Promise.resolve({ runId: 'second' });
      },
    },
  };
  const starter = createWorkflowStarter({
    client: client as never,
    reader,
    taskQueue: 'order-ingest',
    workflowIdPrefix: 'order:',
    identity: 'test',
    timeoutMs: 1000,
    maxInputBytes: 10_000,
    replayId,
    ...options,
  });
  return { starter, requests };
}

test('a replay starts a completed order without its delay, and reports the preferences it used', async () => {
  const { starter, requests } = createStarter('replay-1');
  const start = { priority: 5, fairnessKey: 'C-7', fairnessWeight: 2 };
  expect(await starter.start(order(), NEVER)).toEqual({
    kind: 'started',
    workflow: { workflowId: 'order:A-1', runId: 'second' },
    start,
    isEager: false,
  });
  expect(requests).toHaveLength(1);
  expect(requests[0]).not.toHaveProperty('workflowStartDelay');
  expect(requests[0]?.priority).toEqual({ priorityKey: 5, fairnessKey: 'C-7', fairnessWeight: 2 });
});

test('reports whether the worker of this process has the first task', async () => {
  const withSlot = () => Promise.resolve(() => Promise.resolve({ runId: 'eager', isEager: true }));
  const { starter, requests } = createStarter(undefined, { eagerStarts: { withSlot } });
  expect(await starter.start(order(), NEVER)).toMatchObject({
    kind: 'started',
    workflow: { runId: 'eager' },
    isEager: true,
  });
  expect(requests).toEqual([]);
});

test('any other order starts as its module prefers', async () => {
  const { starter, requests } = createStarter(undefined);
  expect(await starter.start(order(), NEVER)).toMatchObject({ kind: 'started', start: DELAYED });
  expect(Number(requests[0]?.workflowStartDelay?.seconds)).toBe(60);
});

test('an order is started through the worker of this process, if it offers a slot', async () => {
  const eager: unknown[] = [];
  const startEagerly = (request: object) => {
    eager.push(request);
    return Promise.resolve({ runId: 'eager', isEager: true });
  };
  const offers = [startEagerly, undefined];
  const { starter, requests } = createStarter(undefined, {
    eagerStarts: { withSlot: () => Promise.resolve(offers.shift()) },
  });
  expect(await starter.start(order(), NEVER)).toMatchObject({ workflow: { runId: 'eager' } });
  expect(requests).toEqual([]);
  expect(await starter.start(order(), NEVER)).toMatchObject({ workflow: { runId: 'second' } });
  expect(requests).toEqual(eager);
});

test('the duration of a start is that of the call, without the time until there is a slot', async () => {
  const durations: number[] = [];
  const { starter } = createStarter(undefined, {
    eagerStarts: { withSlot: () => delay(300, undefined) },
    startDuration: { observe: (seconds) => durations.push(seconds) },
  });
  const startedAt = performance.now();
  await starter.start(order(), NEVER);
  const total = (performance.now() - startedAt) / 1000;
  expect(durations).toHaveLength(1);
  expect(total - (durations[0] ?? 0)).toBeGreaterThanOrEqual(0.29);
});

test.each([
  ['ALREADY_EXISTS', 1],
  ['UNAVAILABLE', 0],
] as const)('a start that ends with %s counts %i times in the durations', async (name, count) => {
  const durations: number[] = [];
  const rejected = () =>
    Promise.reject(
      Object.assign(new Error(name), { code: status[name], details: '', metadata: {} }),
    );
  const { starter } = createStarter(undefined, {
    eagerStarts: { withSlot: () => Promise.resolve(rejected) },
    startDuration: { observe: (seconds) => durations.push(seconds) },
  });
  await starter.start(order(), NEVER).catch(() => undefined);
  expect(durations).toHaveLength(count);
});
