import { ApplicationFailure } from '@temporalio/common';
import { FAILURE_TYPES } from '../contract/failure-types.ts';
import type { MessageSource } from '../contract/message.ts';
import { formatIssue, type ValidationIssue } from '../contract/order-module.ts';

/**
 * The failures with which a workflow ends. None is retried, and none quotes data of the order. They are
 * created here and nowhere else.
 */
export function orderInvalid(issues: readonly ValidationIssue[]): ApplicationFailure {
  const shown = issues.slice(0, MAX_ISSUES).map(formatIssue);
  const more = issues.length > MAX_ISSUES ? `; and ${issues.length - MAX_ISSUES} more` : '';
  return final(FAILURE_TYPES.invalid, `Not a valid order: ${shown.join('; ')}${more}`);
}

/** An order with thousands of invalid line items would make a failure too large for Temporal. */
const MAX_ISSUES = 25;

export const orderConflict = (storedFrom: MessageSource): ApplicationFailure =>
  final(
    FAILURE_TYPES.conflict,
    `A different order with this ID is already stored; it came from ${storedFrom.topic}, partition ${storedFrom.partition}, offset ${storedFrom.offset}`,
    storedFrom,
  );

export const orderRejected = (reason: string): ApplicationFailure =>
  final(FAILURE_TYPES.rejected, `Postgres rejected the order: ${reason}`);

const final = (type: string, message: string, ...details: unknown[]): ApplicationFailure =>
  ApplicationFailure.create({ type, message, nonRetryable: true, details });
