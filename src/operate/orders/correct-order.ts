import { defaultPayloadConverter } from '@temporalio/common';
import type { OrderMessage, Correction } from '../../contract/message.ts';
import { identify } from '../../order/identify.ts';
import { CORRECTION_MEMO } from '../../contract/workflow-metadata.ts';
import { formatIssue, translateMessage } from '../../order/translate-message.ts';
import { OperatorError } from '../../program/operator-error.ts';
import type { OrderRun } from '../../temporal/order-workflow.ts';
import { messageOfStart, runStart } from '../../temporal/run-start.ts';
import { startAgain, type RerunOutcome, type RerunTarget } from './rerun-orders.ts';

/** A message that is a valid order, and that of the ID that it is to correct. */
export interface CorrectedMessage {
  readonly text: string;
  readonly fingerprint: string;
}

/**
 * Checks a corrected message before anything is started with it. Throws an OperatorError when it is no
 * valid order, or one of another ID.
 */
export function checkCorrection(orderId: string, value: Buffer): CorrectedMessage {
  const read = identify(value, MAX_BYTES);
  if (read.kind === 'unusable') throw notValid(read.error);
  if (read.orderId !== orderId) {
    throw new OperatorError(
      'CORRECTION_INVALID',
      `The corrected message is about another order: "${read.orderId}", not "${orderId}"`,
      'the order ID cannot change; send a new order to the topic instead',
    );
  }
  const translation = translateMessage(read.text);
  if (translation.kind === 'invalid') {
    throw notValid(translation.issues.map(formatIssue).join('; '));
  }
  return { text: read.text, fingerprint: read.fingerprint };
}

/** What is left of Temporal's 2 MiB (`limit.blobSize.error`) for the text. */
const MAX_BYTES = 1_900_000;

const notValid = (problem: string) =>
  new OperatorError(
    'CORRECTION_INVALID',
    `The corrected message is not a valid order: ${problem}`,
    'correct it further; `order-ingest orders show ID` prints the message as it came',
  );

/**
 * Starts a failed order again with a corrected message. Who has done it, when and why is kept in the
 * memo of the new run and, once stored, in the row.
 */
export async function correctOrder(
  target: RerunTarget,
  { workflowId, runId }: Pick<OrderRun, 'workflowId' | 'runId'>,
  { text, fingerprint }: CorrectedMessage,
  correction: Correction,
): Promise<RerunOutcome> {
  const start = await runStart(target.client, { workflowId, runId });
  const message = messageOfStart(start);
  if (!message) {
    throw new OperatorError(
      'WORKFLOW_NOT_AN_ORDER',
      `${workflowId} was not started with an order's message`,
      'send the order to the topic instead',
    );
  }
  const corrected: OrderMessage = { ...message, text, correction };
  return startAgain(target, start, {
    workflowId,
    requestId: `correct/${runId}/${fingerprint}`,
    input: { payloads: [defaultPayloadConverter.toPayload(corrected)] },
    memo: {
      fields: {
        ...start.attributes.memo?.fields,
        [CORRECTION_MEMO]: defaultPayloadConverter.toPayload({ ...correction, fingerprint }),
      },
    },
  });
}
