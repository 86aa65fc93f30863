import { isGrpcServiceError, type Client } from '@temporalio/client';
import { defaultPayloadConverter, type Payload } from '@temporalio/common';
import { status } from '@grpc/grpc-js';
import { workflowId } from '../contract/ids.ts';
import { FINGERPRINT_MEMO } from '../contract/search-attributes.ts';
import { describeError } from '../program/operator-error.ts';
import { checkSearchAttributes } from '../temporal/search-attributes.ts';
import { payload, startRequest, type OrderToStart, type StartTarget } from './start-request.ts';

/** Every answer that a retry would not change. */
export type StartOutcome =
  | { readonly kind: 'started'; readonly runId: string }
  | { readonly kind: 'duplicate' }
  | { readonly kind: 'conflict'; readonly error: string }
  | { readonly kind: 'too-large'; readonly error: string }
  | { readonly kind: 'refused'; readonly error: string };

export interface WorkflowStarter {
  /** Starts the order's workflow, or says why there is nothing to start. Throws what may pass. */
  start(order: OrderToStart): Promise<StartOutcome>;
}

export interface WorkflowStarterOptions extends Omit<StartTarget, 'namespace'> {
  readonly client: Client;
  /** Deadline of one call. */
  readonly timeoutMs: number;
  readonly maxInputBytes: number;
}

export function createWorkflowStarter(options: WorkflowStarterOptions): WorkflowStarter {
  const { client, timeoutMs, maxInputBytes } = options;
  const { connection } = client;
  const { namespace } = client.options;
  const target: StartTarget = { ...options, namespace };

  const call = <Result>(work: () => Promise<Result>) =>
    connection.withDeadline(Date.now() + timeoutMs, work);

  return {
    async start(order) {
      const input = await encode(client, order.message);
      const bytes = input.data?.length ?? 0;
      if (bytes > maxInputBytes) {
        return {
          kind: 'too-large',
          error: `${bytes} bytes as input; a workflow takes ${maxInputBytes}`,
        };
      }
      try {
        const request = startRequest(target, order, input);
        const { runId } = await call(() => client.workflowService.startWorkflowExecution(request));
        return { kind: 'started', runId };
      } catch (error) {
        if (!isGrpcServiceError(error)) throw error;
        if (error.code === status.ALREADY_EXISTS) return compareWithExisting(order);
        if (error.code === status.INVALID_ARGUMENT) {
          // A search attribute that is gone is answered like this too, and is no message's fault.
          await call(() => checkSearchAttributes(client));
          return { kind: 'refused', error: describeError(error) };
        }
        throw error;
      }
    },
  };

  /** The memo of the workflow that is there tells the same content from another. */
  async function compareWithExisting(order: OrderToStart): Promise<StartOutcome> {
    const id = workflowId(target.workflowIdPrefix, order.orderId);
    const { workflowExecutionInfo } = await call(() =>
      client.workflowService.describeWorkflowExecution({
        namespace,
        execution: { workflowId: id },
      }),
    );
    const memo = workflowExecutionInfo?.memo?.fields?.[FINGERPRINT_MEMO];
    const fingerprint = memo ? defaultPayloadConverter.fromPayload<unknown>(memo) : undefined;
    if (fingerprint === order.fingerprint) return { kind: 'duplicate' };
    return {
      kind: 'conflict',
      error: `an order with this ID and other content has been ingested before, as workflow ${id}`,
    };
  }
}

/** As the client's data converter writes it, so that a payload codec is honoured. */
async function encode(client: Client, message: OrderToStart['message']): Promise<Payload> {
  const { payloadCodecs } = client.options.loadedDataConverter;
  let payloads = [payload(message)];
  for (const codec of [...payloadCodecs].reverse()) payloads = await codec.encode(payloads);
  const [encoded] = payloads;
  if (!encoded) throw new Error('a payload codec answered with nothing');
  return encoded;
}
