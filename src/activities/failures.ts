import { ApplicationFailure } from '@temporalio/common';
import { FAILURE_TYPES } from '../contract/failure-types.ts';
import { formatIssue, type ValidationIssue } from '../order/translate-message.ts';
import type { MessageSource } from '../contract/message.ts';

/**
 * The only place where an ending of the domain becomes a failure of Temporal's. Every failure here
 * is final: the workflow fails and is not retried. None quotes the order's own data.
 */
export function orderInvalid(faults: readonly ValidationIssue[]): ApplicationFailure {
  const shown = faults.slice(0, MAX_FAULTS).map(formatIssue);
  const more = faults.length > MAX_FAULTS ? `; and ${faults.length - MAX_FAULTS} more` : '';
  return final(FAILURE_TYPES.invalid, `Not a valid order: ${shown.join('; ')}${more}`);
}

/** An order with thousands of broken line items would make a failure too large for Temporal. */
const MAX_FAULTS = 25;

export const orderConflict = (storedFrom: MessageSource): ApplicationFailure =>
  final(
    FAILURE_TYPES.conflict,
    `Another order with this ID is stored already; it came from ${storedFrom.topic}, partition ${storedFrom.partition}, offset ${storedFrom.offset}`,
    storedFrom,
  );

export const orderRejected = (reason: string): ApplicationFailure =>
  final(FAILURE_TYPES.rejected, `Postgres refused the order: ${reason}`);

const final = (type: string, message: string, ...details: unknown[]): ApplicationFailure =>
  ApplicationFailure.create({ type, message, nonRetryable: true, details });
