import proto from '@temporalio/proto';
import {
  FAILURE_MEMO,
  FAILURE_TYPE,
  SOURCE_OFFSET,
  SOURCE_PARTITION,
  SOURCE_TOPIC,
} from '../contract/workflow-metadata.ts';
import { readPayload } from './read-payload.ts';

/** How a run of an order's workflow stands, as people name it. */
export const ORDER_STATUSES = [
  'running',
  'completed',
  'failed',
  'cancelled',
  'terminated',
  'timed-out',
] as const;
export type OrderStatus = (typeof ORDER_STATUSES)[number];

/** One run of an order's workflow, as Temporal's visibility knows it. */
export interface OrderRun {
  readonly orderId: string;
  readonly workflowId: string;
  readonly runId: string;
  readonly status: OrderStatus;
  /** `OrderInvalid`, `OrderConflict` or `OrderRejected`, when it has ended in one of them. */
  readonly failureType: string | undefined;
  readonly failure: string | undefined;
  readonly source: {
    readonly topic: string | undefined;
    readonly partition: number | undefined;
    readonly offset: number | undefined;
  };
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  readonly closedAt: number | undefined;
}

type Info = proto.temporal.api.workflow.v1.IWorkflowExecutionInfo;
type Status = proto.temporal.api.enums.v1.WorkflowExecutionStatus;

export function orderRun(info: Info, workflowIdPrefix: string): OrderRun {
  const workflowId = info.execution?.workflowId ?? '';
  const attributes = info.searchAttributes?.indexedFields ?? {};
  const attribute = ({ name }: { readonly name: string }) => readPayload(attributes[name]);
  return {
    orderId: workflowId.slice(workflowIdPrefix.length),
    workflowId,
    runId: info.execution?.runId ?? '',
    status: ENDED[info.status ?? UNKNOWN] ?? 'running',
    failureType: text(attribute(FAILURE_TYPE)),
    failure: text(readPayload(info.memo?.fields?.[FAILURE_MEMO])),
    source: {
      topic: text(attribute(SOURCE_TOPIC)),
      partition: number(attribute(SOURCE_PARTITION)),
      offset: number(attribute(SOURCE_OFFSET)),
    },
    startedAt: milliseconds(info.startTime) ?? 0,
    closedAt: milliseconds(info.closeTime),
  };
}

const text = (value: unknown) => (typeof value === 'string' ? value : undefined);
const number = (value: unknown) => (typeof value === 'number' ? value : undefined);

export function milliseconds(
  timestamp: proto.google.protobuf.ITimestamp | null | undefined,
): number | undefined {
  if (!timestamp?.seconds) return undefined;
  return Number(timestamp.seconds) * 1000 + Math.floor((timestamp.nanos ?? 0) / 1_000_000);
}

const { WorkflowExecutionStatus } = proto.temporal.api.enums.v1;

const ENDED: Readonly<Partial<Record<Status, OrderStatus>>> = {
  [WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_COMPLETED]: 'completed',
  [WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_FAILED]: 'failed',
  [WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_CANCELED]: 'cancelled',
  [WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_TERMINATED]: 'terminated',
  [WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_TIMED_OUT]: 'timed-out',
};
const UNKNOWN = WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_UNSPECIFIED;
