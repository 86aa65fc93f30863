import type { Client } from '@temporalio/client';
import type proto from '@temporalio/proto';
import type { OrderMessage } from '../contract/message.ts';
import { callWithRetry } from './call-with-retry.ts';
import { readPayload } from './read-payload.ts';

/** With what a run was started: the first event of its history. */
export interface RunStart {
  readonly attributes: proto.temporal.api.history.v1.IWorkflowExecutionStartedEventAttributes;
  readonly userMetadata: proto.temporal.api.sdk.v1.IUserMetadata | null | undefined;
}

export async function runStart(
  client: Client,
  { workflowId, runId }: { readonly workflowId: string; readonly runId: string },
): Promise<RunStart> {
  const { namespace } = client.options;
  const { history } = await callWithRetry(client, () =>
    client.workflowService.getWorkflowExecutionHistory({
      namespace,
      execution: { workflowId, runId },
      maximumPageSize: 1,
    }),
  );
  const first = history?.events?.[0];
  const attributes = first?.workflowExecutionStartedEventAttributes;
  if (!attributes) throw new Error(`the history of ${workflowId} does not begin with its start`);
  return { attributes, userMetadata: first.userMetadata };
}

/** The message that the run is about; undefined when somebody has started it with another input. */
export function messageOfStart({ attributes }: RunStart): OrderMessage | undefined {
  const input = readPayload(attributes.input?.payloads?.[0]);
  return isOrderMessage(input) ? input : undefined;
}

const isOrderMessage = (input: unknown): input is OrderMessage =>
  typeof input === 'object' &&
  input !== null &&
  'text' in input &&
  typeof input.text === 'string' &&
  'source' in input &&
  typeof input.source === 'object';
