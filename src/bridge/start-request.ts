import type { KeyObject } from 'node:crypto';
import { defaultPayloadConverter, type Payload } from '@temporalio/common';
import { msNumberToTs } from '@temporalio/common/lib/time.js';
import proto from '@temporalio/proto';
import { startRequestId, workflowId } from '../contract/ids.ts';
import { INGEST_ORDER } from '../contract/ingest-workflow.ts';
import type { OrderMessage } from '../contract/message.ts';
import type { StartPreferences } from '../contract/order-module.ts';
import {
  FINGERPRINT_MEMO,
  ORDER_ID_MEMO,
  SOURCE_OFFSET,
  SOURCE_PARTITION,
  SOURCE_TOPIC,
  TRACE_HEADER,
} from '../contract/workflow-metadata.ts';
import type { OrderId } from '../contract/order-id.ts';

export type Request = proto.temporal.api.workflowservice.v1.IStartWorkflowExecutionRequest;

/** An order whose workflow is to be started. */
export interface OrderToStart {
  readonly orderId: OrderId;
  readonly fingerprint: string;
  readonly message: OrderMessage;
  /** As `checkPreferences` returns them. */
  readonly start?: StartPreferences | undefined;
}

export interface StartTarget {
  readonly namespace: string;
  readonly taskQueue: string;
  readonly workflowIdPrefix: string;
  /** As in `OrderNamespace`. */
  readonly workflowIdKey?: KeyObject | undefined;
  readonly identity: string;
}

export interface StartOptions {
  /** Starts the workflow even if a closed one exists: a name for this attempt. */
  readonly again?: string | undefined;
  /** W3C headers of the span that the workflow's spans belong to. */
  readonly trace?: Readonly<Record<string, string>> | undefined;
}

/**
 * The request to start an order's workflow. Temporal rejects it if the workflow ID exists, running or
 * closed, unless the same request created it.
 *
 * @param input the encoded message
 */
export function startRequest(
  target: StartTarget,
  order: OrderToStart,
  input: Payload,
  { again, trace }: StartOptions = {},
): Request {
  const { source } = order.message;
  const { workflowIdKey: hashKey } = target;
  const { WorkflowIdReusePolicy, WorkflowIdConflictPolicy } = proto.temporal.api.enums.v1;
  return {
    namespace: target.namespace,
    workflowId: workflowId(target.workflowIdPrefix, order.orderId, hashKey),
    workflowType: { name: INGEST_ORDER },
    taskQueue: { name: target.taskQueue },
    input: { payloads: [input] },
    ...(trace ? { header: { fields: { [TRACE_HEADER]: payload(trace) } } } : {}),
    identity: target.identity,
    requestId: startRequestId(source, order.fingerprint, again, hashKey),
    workflowIdReusePolicy:
      again === undefined
        ? WorkflowIdReusePolicy.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE
        : WorkflowIdReusePolicy.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
    workflowIdConflictPolicy: WorkflowIdConflictPolicy.WORKFLOW_ID_CONFLICT_POLICY_FAIL,
    memo: {
      fields: {
        [FINGERPRINT_MEMO]: payload(order.fingerprint),
        ...(hashKey ? { [ORDER_ID_MEMO]: payload(order.orderId) } : {}),
      },
    },
    searchAttributes: {
      indexedFields: {
        [SOURCE_TOPIC.name]: searchAttribute('Keyword', source.topic),
        [SOURCE_PARTITION.name]: searchAttribute('Int', source.partition),
        [SOURCE_OFFSET.name]: searchAttribute('Int', Number(source.offset)),
      },
    },
    userMetadata: {
      summary: payload(`${source.topic}, partition ${source.partition}, offset ${source.offset}`),
    },
    ...scheduling(order.start),
  };
}

/** Left out where there is no preference, so that the server's defaults apply. */
function scheduling({
  priority: priorityKey,
  fairnessKey,
  fairnessWeight,
  startDelayMs,
}: StartPreferences = {}): Pick<Request, 'priority' | 'workflowStartDelay'> {
  const priority = {
    ...(priorityKey === undefined ? {} : { priorityKey }),
    ...(fairnessKey === undefined ? {} : { fairnessKey }),
    ...(fairnessWeight === undefined ? {} : { fairnessWeight }),
  };
  return {
    ...(Object.keys(priority).length > 0 ? { priority } : {}),
    ...(startDelayMs === undefined ? {} : { workflowStartDelay: msNumberToTs(startDelayMs) }),
  };
}

export const payload = (value: unknown): Payload => defaultPayloadConverter.toPayload(value);

/** The server takes the type of the attribute from the metadata. */
function searchAttribute(type: 'Keyword' | 'Int', value: unknown): Payload {
  const { metadata, ...rest } = payload(value);
  return { ...rest, metadata: { ...metadata, type: Buffer.from(type) } };
}
