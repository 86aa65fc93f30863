import {
  ActivityFailure,
  ApplicationFailure,
  isCancellation,
  patched,
  proxyActivities,
  proxyLocalActivities,
  setCurrentDetails,
  upsertMemo,
  upsertSearchAttributes,
} from '@temporalio/workflow';
import { FINAL_FAILURE_TYPES } from '../contract/failure-types.ts';
import type { IngestOrderResult, OrderActivities } from '../contract/ingest-order.ts';
import type { OrderMessage } from '../contract/order-message.ts';
import { FAILURE_MEMO, FAILURE_TYPE } from '../contract/search-attributes.ts';
import { FIRST_ATTEMPTS, PATIENT_ATTEMPTS } from './retry-policies.ts';

const first = proxyLocalActivities<OrderActivities>(FIRST_ATTEMPTS);
const { translateOrder } = proxyActivities<OrderActivities>({
  ...PATIENT_ATTEMPTS,
  summary: 'from the message to an order',
});
const { storeOrder } = proxyActivities<OrderActivities>({
  ...PATIENT_ATTEMPTS,
  summary: 'into Postgres',
});

/**
 * Brings one order from its message into the store. Completes when it is stored; fails with
 * `OrderInvalid`, `OrderConflict` or `OrderRejected` when no retry could help; goes on trying
 * otherwise.
 */
export async function ingestOrder(message: OrderMessage): Promise<IngestOrderResult> {
  try {
    const record = await firstThenPatient(
      'Translating the message',
      () => first.translateOrder(message),
      () => translateOrder(message),
    );
    return await firstThenPatient(
      'Storing the order',
      () => first.storeOrder(record),
      () => storeOrder(record),
    );
  } catch (error) {
    if (error instanceof ApplicationFailure) keepForSearches(error);
    throw error;
  }
}

/** A few quick attempts out of sight, then as many visible ones as it takes. */
async function firstThenPatient<Result>(
  step: string,
  quickly: () => Promise<Result>,
  patiently: () => Promise<Result>,
): Promise<Result> {
  try {
    return await quickly();
  } catch (error) {
    if (isCancellation(error)) throw error;
    const final = finalFailure(error);
    if (final) throw final;
  }
  setCurrentDetails(
    `${step} has met trouble since ${new Date().toISOString()} and is tried until it works. The pending activity has the latest failure, the number of attempts and the time of the next.`,
  );
  try {
    const result = await patiently();
    setCurrentDetails('');
    return result;
  } catch (error) {
    throw finalFailure(error) ?? error;
  }
}

/**
 * The failure that ended the activity, when no retry mends it. Thrown as it is, so that the
 * workflow's own failure has the type that people search for. A local activity throws it itself, a
 * regular one within an ActivityFailure.
 */
function finalFailure(error: unknown): ApplicationFailure | undefined {
  const cause = error instanceof ActivityFailure ? error.cause : error;
  return cause instanceof ApplicationFailure && FINAL_FAILURE_TYPES.includes(cause.type ?? '')
    ? cause
    : undefined;
}

/** So that the UI's filters and `order-ingest orders list` answer what has failed, and why. */
function keepForSearches({ type, message }: ApplicationFailure): void {
  if (!patched('failure-for-searches')) return;
  upsertSearchAttributes([{ key: FAILURE_TYPE, value: type ?? null }]);
  upsertMemo({ [FAILURE_MEMO]: message });
}
