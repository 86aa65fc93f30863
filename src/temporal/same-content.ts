import type { Client } from '@temporalio/client';
import type { Payload } from '@temporalio/common';
import {
  fingerprintOfText,
  isFingerprintOf,
  isFirstForm,
  type Fingerprinted,
} from '../order/fingerprint.ts';
import { readPayload } from './read-payload.ts';

/** Makes one call to Temporal: with a deadline, and retries where the caller wants them. */
type Call = <Answer>(work: () => Promise<Answer>) => Promise<Answer>;

/**
 * Whether a workflow has ingested what the message says. Where an older version has started the
 * workflow and its fingerprint differs, the message that it was started with is compared instead:
 * that version's fingerprint also changed with unknown fields and with the spelling of a value.
 *
 * @param fingerprints those of the workflow's memo
 */
export async function hasSameContent(
  client: Client,
  workflowId: string,
  fingerprints: readonly string[],
  message: Fingerprinted,
  call: Call,
): Promise<boolean> {
  if (fingerprints.some((stored) => isFingerprintOf(stored, message))) return true;
  if (!fingerprints.some(isFirstForm)) return false;
  const text = await startedWith(client, workflowId, call);
  return text !== undefined && fingerprintOfText(text) === message.fingerprint;
}

/** The text that the workflow's latest run was started with; undefined for any other input. */
async function startedWith(
  client: Client,
  workflowId: string,
  call: Call,
): Promise<string | undefined> {
  const { history } = await call(() =>
    client.workflowService.getWorkflowExecutionHistory({
      namespace: client.options.namespace,
      execution: { workflowId },
      maximumPageSize: 1,
    }),
  );
  const start = history?.events?.[0]?.workflowExecutionStartedEventAttributes;
  const input = readPayload(await decoded(client, start?.input?.payloads?.[0]));
  return typeof input === 'object' &&
    input !== null &&
    'text' in input &&
    typeof input.text === 'string'
    ? input.text
    : undefined;
}

async function decoded(
  client: Client,
  payload: Payload | null | undefined,
): Promise<Payload | undefined> {
  let payloads = payload ? [payload] : [];
  for (const codec of client.options.loadedDataConverter.payloadCodecs) {
    payloads = await codec.decode(payloads);
  }
  return payloads[0];
}
