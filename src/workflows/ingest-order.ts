import {
  ActivityFailure,
  ApplicationFailure,
  isCancellation,
  proxyActivities,
  proxyLocalActivities,
} from '@temporalio/workflow';
import { FINAL_FAILURE_TYPES } from '../contract/failure-types.ts';
import type { IngestOrderResult, OrderActivities } from '../contract/ingest-order.ts';
import type { OrderMessage } from '../contract/order-message.ts';
import { FIRST_ATTEMPTS, PATIENT_ATTEMPTS } from './retry-policies.ts';

const first = proxyLocalActivities<OrderActivities>(FIRST_ATTEMPTS);
const patient = proxyActivities<OrderActivities>(PATIENT_ATTEMPTS);

/**
 * Brings one order from its message into the store. Completes when it is stored; fails with
 * `OrderInvalid`, `OrderConflict` or `OrderRejected` when no retry could help; goes on trying
 * otherwise.
 */
export async function ingestOrder(message: OrderMessage): Promise<IngestOrderResult> {
  const record = await firstThenPatient(
    () => first.translateOrder(message),
    () => patient.translateOrder(message),
  );
  return firstThenPatient(
    () => first.storeOrder(record),
    () => patient.storeOrder(record),
  );
}

/** A few quick attempts out of sight, then as many visible ones as it takes. */
async function firstThenPatient<Result>(
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
  try {
    return await patiently();
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
