import { SpanKind } from '@opentelemetry/api';
import { isGrpcServiceError, type Client } from '@temporalio/client';
import { status } from '@grpc/grpc-js';
import { workflowId, type WorkflowRun } from '../contract/ids.ts';
import { INGEST_ORDER } from '../contract/ingest-workflow.ts';
import type { StartPreferences } from '../contract/order-module.ts';
import type { MessageReader } from '../order-module/message-reader.ts';
import { describeError } from '../program/operator-error.ts';
import { activeTraceHeaders, inSpan, type SpanDescription } from '../telemetry/tracing.ts';
import { describeOrder, type OrderWorkflow } from '../temporal/order-workflow.ts';
import { REPLAY_MEMO } from '../contract/workflow-metadata.ts';
import { encodeStart } from '../temporal/payloads.ts';
import { readRunStart, type RunStart } from '../temporal/run-start.ts';
import { checkSearchAttributes, concernsSearchAttributes } from '../temporal/search-attributes.ts';
import { isRejection, type EagerlyStarted, type EagerStarts } from './eager-starts.ts';
import { hasIngested } from './has-ingested.ts';
import {
  payload,
  startRequest,
  type OrderToStart,
  type Request,
  type StartTarget,
} from './start-request.ts';

/** How a start ended, where a retry would not change it. */
export type StartOutcome =
  | {
      readonly kind: 'started';
      readonly workflow: WorkflowRun;
      /** The preferences with which it was started, which may be others than those of the order. */
      readonly start: StartPreferences | undefined;
      /** Whether the worker of this process has its first task, so that it does not wait in the task queue. */
      readonly isEager: boolean;
    }
  | { readonly kind: 'duplicate' }
  | { readonly kind: 'conflict'; readonly error: string }
  | { readonly kind: 'too-large'; readonly error: string }
  | { readonly kind: 'rejected'; readonly error: string };

export interface WorkflowStarter {
  /**
   * Starts the order's workflow, or returns why there is nothing to start. Throws transient errors, and the signal's
   * reason when that is aborted before a start is sent.
   */
  start(order: OrderToStart, signal: AbortSignal): Promise<StartOutcome>;
}

export interface WorkflowStarterOptions extends Omit<StartTarget, 'namespace'> {
  readonly client: Client;
  readonly reader: Pick<MessageReader, 'hasSameContent'>;
  /** Deadline of one call. */
  readonly timeoutMs: number;
  readonly maxInputBytes: number;
  /**
   * Starts a completed workflow again if it ingested the content of the message: a name for this
   * replay. For rows that were lost from the database; storing any other order again has no effect.
   */
  readonly replayId?: string | undefined;
  /** Where the worker runs in the same process. */
  readonly eagerStarts?: Pick<EagerStarts, 'withSlot'> | undefined;
  /** Receives how long Temporal took to accept or reject each start, in seconds. */
  readonly startDuration?: { observe(seconds: number): void } | undefined;
}

export function createWorkflowStarter(options: WorkflowStarterOptions): WorkflowStarter {
  const { client, reader, timeoutMs, maxInputBytes, eagerStarts, startDuration } = options;
  const { connection } = client;
  const { namespace } = client.options;
  const target = { ...options, namespace };

  const idOf = ({ orderId }: OrderToStart) =>
    workflowId(target.workflowIdPrefix, orderId, target.workflowIdKey);
  const call = <Result>(work: () => Promise<Result>) =>
    connection.withDeadline(Date.now() + timeoutMs, work);

  return {
    start: (order, signal) => inSpan(startSpan(idOf(order)), () => start(order, signal)),
  };

  async function start(order: OrderToStart, signal: AbortSignal): Promise<StartOutcome> {
    const input = payload(order.message);
    const bytes = input.data?.length ?? 0;
    if (bytes > maxInputBytes) {
      return {
        kind: 'too-large',
        error: `${bytes} bytes as workflow input; the limit is ${maxInputBytes}`,
      };
    }
    try {
      const completed = await completedRun(order);
      const again = completed ? options.replayId : undefined;
      const start = completed ? rerunPreferences(completed, order.start) : order.start;
      const request = startRequest(target, { ...order, start }, input, {
        again,
        trace: activeTraceHeaders(),
      });
      const encoded = await encodeStart(
        client,
        completed ? startedAs(request, completed, again) : request,
      );
      const { runId, isEager } = await send(encoded, signal);
      return { kind: 'started', workflow: { workflowId: idOf(order), runId }, start, isEager };
    } catch (error) {
      if (!isGrpcServiceError(error)) throw error;
      if (error.code === status.ALREADY_EXISTS) return compareWithExisting(order);
      if (error.code === status.INVALID_ARGUMENT) {
        // A search attribute that was removed, or that this server does not know yet, is not the message's fault.
        await call(() => checkSearchAttributes(client));
        if (concernsSearchAttributes(error)) throw error;
        return { kind: 'rejected', error: describeError(error) };
      }
      throw error;
    }
  }

  async function send(request: Request, signal: AbortSignal): Promise<EagerlyStarted> {
    const startEagerly = await eagerStarts?.withSlot(signal);
    const sentAt = performance.now();
    const answered = () => startDuration?.observe((performance.now() - sentAt) / 1000);
    try {
      const answer = await (startEagerly ?? startInQueue)(request);
      answered();
      return answer;
    } catch (error) {
      if (isRejection(error)) answered();
      throw error;
    }
  }

  async function startInQueue(request: Request): Promise<EagerlyStarted> {
    const { runId } = await call(() => client.workflowService.startWorkflowExecution(request));
    return { runId, isEager: false };
  }

  /**
   * How the order's workflow was started, if it has completed with this content and is to run again.
   * Undefined also if this replay has already started it, for an earlier message of the order.
   */
  async function completedRun(order: OrderToStart): Promise<RunStart | undefined> {
    if (options.replayId === undefined) return undefined;
    const workflow = await describeOrder(target, order.orderId);
    if (workflow?.status !== 'completed' || workflow.replay === options.replayId) {
      return undefined;
    }
    if (!(await hasIngestedOrder(workflow, order))) return undefined;
    try {
      return await readRunStart(client, workflow);
    } catch (error) {
      // Its retention has just ended, so the message itself can be started.
      if (isGrpcServiceError(error) && error.code === status.NOT_FOUND) return undefined;
      throw error;
    }
  }

  function hasIngestedOrder(workflow: OrderWorkflow, { fingerprint, message }: OrderToStart) {
    return hasIngested({ client, reader, call }, workflow, { fingerprint, ...message });
  }

  /** Compares the message with the one that the existing workflow was started with. */
  async function compareWithExisting(order: OrderToStart): Promise<StartOutcome> {
    const workflow = await describeOrder(target, order.orderId, { call });
    // Its retention passed after the start was rejected: the next attempt can start the order.
    if (!workflow) throw new Error(`workflow ${idOf(order)} no longer exists`);
    if (await hasIngestedOrder(workflow, order)) return { kind: 'duplicate' };
    return {
      kind: 'conflict',
      error: `an order with this ID and different content has been ingested before, as workflow ${idOf(order)}`,
    };
  }
}

/**
 * Starts the run again with its own message, which may have been corrected: the message being replayed
 * may be the one from before the correction, or a duplicate.
 */
const startedAs = (
  request: Request,
  { attributes, userMetadata }: RunStart,
  replay: string | undefined,
): Request => ({
  ...request,
  ...(attributes.input ? { input: attributes.input } : {}),
  ...(attributes.searchAttributes ? { searchAttributes: attributes.searchAttributes } : {}),
  ...(userMetadata ? { userMetadata } : {}),
  memo: {
    fields: {
      ...request.memo?.fields,
      ...attributes.memo?.fields,
      [REPLAY_MEMO]: payload(replay),
    },
  },
});

/** A further run keeps the fairness key and weight of the earlier one, and does not wait for a delay again. */
function rerunPreferences(
  { attributes }: RunStart,
  { priority }: StartPreferences = {},
): StartPreferences {
  const { fairnessKey, fairnessWeight } = attributes.priority ?? {};
  return {
    ...(priority === undefined ? {} : { priority }),
    ...(fairnessKey ? { fairnessKey } : {}),
    ...(fairnessWeight ? { fairnessWeight } : {}),
  };
}

const startSpan = (id: string): SpanDescription => ({
  name: `StartWorkflow:${INGEST_ORDER}`,
  kind: SpanKind.CLIENT,
  attributes: { temporalWorkflowId: id },
});
