import type { Client } from '@temporalio/client';
import { isOtherForm } from '../contract/fingerprint.ts';
import { isSamePosition, type MessageSource } from '../contract/message.ts';
import type { Fingerprinted, MessageReader } from '../order-module/message-reader.ts';
import type { Call } from '../temporal/call-with-retry.ts';
import type { OrderWorkflow } from '../temporal/order-workflow.ts';
import { messageOf, readRunStart } from '../temporal/run-start.ts';

export interface IngestedContent {
  readonly client: Client;
  readonly reader: Pick<MessageReader, 'hasSameContent'>;
  /** Retries transient errors by default. */
  readonly call?: Call;
}

/** Whether the workflow has ingested what the message says. */
export async function hasIngested(
  { client, reader, call }: IngestedContent,
  workflow: OrderWorkflow,
  message: Fingerprinted & { readonly source: MessageSource },
): Promise<boolean> {
  if (isCorrectionOf(workflow, message)) return true;
  const text = async () => messageOf(await readRunStart(client, workflow, call))?.text;
  return reader.hasSameContent(workflow.fingerprints, message, text);
}

/**
 * Whether the message is the one from before the correction, as far as can be known: its fingerprint in the
 * workflow is of another form, and its text is no longer there, because the workflow was started again with the
 * corrected one. Another message of the order is at its position only if the topic was recreated.
 */
const isCorrectionOf = (
  { fingerprints: [original, corrected], source }: OrderWorkflow,
  message: Fingerprinted & { readonly source: MessageSource },
): boolean =>
  original !== undefined &&
  corrected !== undefined &&
  isOtherForm(original, message.fingerprint) &&
  isSamePosition(source, message.source);
