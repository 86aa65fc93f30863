import type { KeyObject } from 'node:crypto';
import type { Client } from '@temporalio/client';
import type { Payload } from '@temporalio/common';
import proto from '@temporalio/proto';
import { status } from '@grpc/grpc-js';
import { workflowId as workflowIdOf, type WorkflowRun } from '../contract/ids.ts';
import {
  CORRECTION_MEMO,
  FAILURE_MEMO,
  FAILURE_TYPE,
  FINGERPRINT_MEMO,
  ORDER_ID_MEMO,
  REPLAY_MEMO,
  SOURCE_OFFSET,
  SOURCE_PARTITION,
  SOURCE_TOPIC,
} from '../contract/workflow-metadata.ts';
import { OperatorError } from '../program/operator-error.ts';
import { type Call, callWithRetry } from './call-with-retry.ts';
import type { OrderStatus } from './order-status.ts';
import {
  type CodecHolder,
  decodedValue,
  failureMessage,
  readPayload,
  shownText,
} from './payloads.ts';
import { hasCode } from './temporal-error.ts';

/** Where the workflows of a deployment's orders are. */
export interface OrderNamespace {
  readonly client: Client;
  readonly workflowIdPrefix: string;
  /** Replaces the order ID in workflow IDs by its HMAC; undefined if they contain the order ID. */
  readonly workflowIdKey?: KeyObject | undefined;
}

/** One run of an order's workflow. */
export interface OrderRun extends WorkflowRun {
  readonly orderId: string;
  readonly status: OrderStatus;
  /** `OrderInvalid`, `OrderConflict` or `OrderRejected` when the run has failed with one of them. */
  readonly failureType: string | undefined;
  readonly failure: string | undefined;
  /** The position of the order's message in Kafka; undefined in a workflow that was started by hand. */
  readonly source: {
    readonly topic: string | undefined;
    readonly partition: number | undefined;
    readonly offset: number | undefined;
  };
  /** Milliseconds since 1970, here and below. */
  readonly startedAt: number;
  readonly closedAt: number | undefined;
  /** The end of the start delay, if the run has one: no worker gets it before. */
  readonly delayedUntil: number | undefined;
}

/** Whether the run waits for the end of its start delay. */
export const isDelayed = ({ status, delayedUntil }: OrderRun): boolean =>
  status === 'running' && delayedUntil !== undefined && delayedUntil > Date.now();

/** A run with the activities that it waits for. */
export interface PendingRun extends OrderRun {
  readonly pending: readonly PendingActivity[];
}

/** The latest run of an order's workflow, with what only a description of the workflow contains. */
export interface OrderWorkflow extends PendingRun {
  /**
   * The fingerprints of the content that the workflow has ingested: that of the message and, once
   * corrected, that of the correction. Empty when the workflow was started by hand.
   */
  readonly fingerprints: readonly string[];
  /** The name of the replay that started this run; undefined for other runs. */
  readonly replay: string | undefined;
  /** From 1, the highest, to 5; undefined for Temporal's default. */
  readonly priority: number | undefined;
  readonly fairnessKey: string | undefined;
}

/** An activity that a running workflow waits for. */
export interface PendingActivity {
  readonly id: string;
  /** The activity's type, such as `storeOrder`. */
  readonly activity: string;
  /** The number of the attempt that is in progress or due next. */
  readonly attempt: number;
  readonly lastFailure: string | undefined;
  /** Milliseconds since 1970; undefined while an attempt is in progress. */
  readonly nextAttemptAt: number | undefined;
}

export interface DescribeOptions {
  /** Describes this run instead of the latest. */
  readonly runId?: string;
  /** Retries transient errors by default. */
  readonly call?: Call;
}

/**
 * Looks an order up by its ID, in one call, or in two where order IDs are hashed. Undefined when there is no workflow, or its
 * retention has passed.
 */
export async function describeOrder(
  place: OrderNamespace,
  orderId: string,
  options: DescribeOptions = {},
): Promise<OrderWorkflow | undefined> {
  const { workflowIdPrefix: prefix, workflowIdKey: key } = place;
  const workflow = await describeWorkflow(place, workflowIdOf(prefix, orderId, key), options);
  if (workflow || !key) return workflow;
  // From before the order ID was replaced, or the hash itself, as the Temporal UI shows it.
  return describeWorkflow(place, workflowIdOf(prefix, orderId), options);
}

/** Looks an order up by the ID of its workflow. */
export async function describeWorkflow(
  place: OrderNamespace,
  workflowId: string,
  options: DescribeOptions = {},
): Promise<OrderWorkflow | undefined> {
  const description = await describe(place, workflowId, options);
  return description && toOrderWorkflow(place.client, description, place.workflowIdPrefix);
}

/** The same without what only a program with the payload keys can read, so that a list can show the run. */
export async function describeRun(
  place: OrderNamespace,
  workflowId: string,
  options: DescribeOptions = {},
): Promise<PendingRun | undefined> {
  const description = await describe(place, workflowId, options);
  return description && toPendingRun(place.client, description, place.workflowIdPrefix);
}

async function describe(
  { client }: OrderNamespace,
  workflowId: string,
  { runId, call = (work) => callWithRetry(client, work) }: DescribeOptions,
): Promise<Description | undefined> {
  const { namespace } = client.options;
  const execution = { workflowId, ...(runId === undefined ? {} : { runId }) };
  try {
    return await call(() =>
      client.workflowService.describeWorkflowExecution({ namespace, execution }),
    );
  } catch (error) {
    if (hasCode(error, status.NOT_FOUND)) return undefined;
    throw error;
  }
}

type Description = proto.temporal.api.workflowservice.v1.IDescribeWorkflowExecutionResponse;
type Info = proto.temporal.api.workflow.v1.IWorkflowExecutionInfo;

export async function toOrderWorkflow(
  client: CodecHolder,
  description: Description,
  workflowIdPrefix: string,
): Promise<OrderWorkflow | undefined> {
  const info = description.workflowExecutionInfo;
  const run = await toPendingRun(client, description, workflowIdPrefix);
  if (!info || !run) return undefined;
  const memo = info.memo?.fields;
  return {
    ...run,
    fingerprints: await fingerprintsIn(client, memo),
    replay: text(await decodedValue(client, memo?.[REPLAY_MEMO])),
    priority: info.priority?.priorityKey || undefined,
    fairnessKey: info.priority?.fairnessKey || undefined,
  };
}

async function toPendingRun(
  client: CodecHolder,
  { workflowExecutionInfo: info, pendingActivities }: Description,
  workflowIdPrefix: string,
): Promise<PendingRun | undefined> {
  if (!info) return undefined;
  return {
    ...(await toOrderRun(client, info, workflowIdPrefix)),
    pending: await Promise.all(
      (pendingActivities ?? []).map((activity) => toPendingActivity(client, activity)),
    ),
  };
}

export async function toOrderRun(
  client: CodecHolder,
  info: Info,
  workflowIdPrefix: string,
): Promise<OrderRun> {
  const workflowId = info.execution?.workflowId ?? '';
  const attributes = info.searchAttributes?.indexedFields ?? {};
  const attribute = ({ name }: { readonly name: string }) => readPayload(attributes[name]);
  return {
    orderId:
      (await orderIdIn(client, info.memo?.fields)) ?? workflowId.slice(workflowIdPrefix.length),
    workflowId,
    runId: info.execution?.runId ?? '',
    status: CLOSED[info.status ?? UNSPECIFIED] ?? 'running',
    failureType: text(attribute(FAILURE_TYPE)),
    failure: await shownText(client, info.memo?.fields?.[FAILURE_MEMO]),
    source: {
      topic: text(attribute(SOURCE_TOPIC)),
      partition: number(attribute(SOURCE_PARTITION)),
      offset: number(attribute(SOURCE_OFFSET)),
    },
    startedAt: milliseconds(info.startTime) ?? 0,
    closedAt: milliseconds(info.closeTime),
    delayedUntil: delayEnd(info),
  };
}

/** The server sets the time of execution to the end of the delay, and without one to that of the start. */
function delayEnd({ startTime, executionTime }: Info): number | undefined {
  const end = milliseconds(executionTime);
  return end !== undefined && end > (milliseconds(startTime) ?? 0) ? end : undefined;
}

/** Undefined also if it cannot be decoded: a list then shows the hash. */
async function orderIdIn(client: CodecHolder, memo: MemoFields): Promise<string | undefined> {
  try {
    return text(await decodedValue(client, memo?.[ORDER_ID_MEMO]));
  } catch (error) {
    if (error instanceof OperatorError) return undefined;
    throw error;
  }
}

type MemoFields = Readonly<Record<string, Payload>> | null | undefined;

async function fingerprintsIn(client: CodecHolder, memo: MemoFields): Promise<readonly string[]> {
  const correction = await decodedValue(client, memo?.[CORRECTION_MEMO]);
  const corrected =
    typeof correction === 'object' && correction !== null && 'fingerprint' in correction
      ? correction.fingerprint
      : undefined;
  return [await decodedValue(client, memo?.[FINGERPRINT_MEMO]), corrected].filter(
    (fingerprint) => typeof fingerprint === 'string',
  );
}

const toPendingActivity = async (
  client: CodecHolder,
  activity: proto.temporal.api.workflow.v1.IPendingActivityInfo,
): Promise<PendingActivity> => ({
  id: activity.activityId ?? '',
  activity: activity.activityType?.name ?? 'unknown',
  attempt: activity.attempt ?? 1,
  lastFailure: await failureMessage(client, activity.lastFailure),
  nextAttemptAt: milliseconds(activity.nextAttemptScheduleTime),
});

const text = (value: unknown) => (typeof value === 'string' ? value : undefined);
const number = (value: unknown) => (typeof value === 'number' ? value : undefined);

function milliseconds(
  timestamp: proto.google.protobuf.ITimestamp | null | undefined,
): number | undefined {
  if (!timestamp?.seconds) return undefined;
  return Number(timestamp.seconds) * 1000 + Math.floor((timestamp.nanos ?? 0) / 1_000_000);
}

const { WorkflowExecutionStatus } = proto.temporal.api.enums.v1;
type Status = proto.temporal.api.enums.v1.WorkflowExecutionStatus;

/** Every other status, such as paused, is one of a run that has not closed. */
const CLOSED: Readonly<Partial<Record<Status, OrderStatus>>> = {
  [WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_COMPLETED]: 'completed',
  [WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_FAILED]: 'failed',
  [WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_CANCELED]: 'cancelled',
  [WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_TERMINATED]: 'terminated',
  [WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_TIMED_OUT]: 'timed-out',
};
const UNSPECIFIED = WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_UNSPECIFIED;
