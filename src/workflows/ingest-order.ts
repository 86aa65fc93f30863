import {
  ActivityFailure,
  ApplicationFailure,
  isCancellation,
  proxyActivities,
  proxyLocalActivities,
  setCurrentDetails,
  upsertMemo,
  upsertSearchAttributes,
} from '@temporalio/workflow';
import { FINAL_FAILURE_TYPES } from '../contract/failure-types.ts';
import type { IngestOrderResult, OrderActivities } from '../contract/ingest-workflow.ts';
import type { OrderMessage } from '../contract/message.ts';
import { FAILURE_MEMO, FAILURE_TYPE } from '../contract/workflow-metadata.ts';
import { LOCAL_OPTIONS, REGULAR_OPTIONS } from './retry-policies.ts';

const first = proxyLocalActivities<OrderActivities>(LOCAL_OPTIONS);
const { translateOrder } = proxyActivities<OrderActivities>({
  ...REGULAR_OPTIONS,
  summary: 'from the message to an order',
});
const { storeOrder } = proxyActivities<OrderActivities>({
  ...REGULAR_OPTIONS,
  summary: 'into Postgres',
});

/**
 * Brings one order from its message into the store. Completes when it is stored; fails with
 * `OrderInvalid`, `OrderConflict` or `OrderRejected` when no retry could help; goes on trying
 * otherwise.
 */
export async function ingestOrder(message: OrderMessage): Promise<IngestOrderResult> {
  try {
    return (
      (await tryLocally(() => first.translateAndStoreOrder(message))) ??
      (await runAsActivities(message))
    );
  } catch (error) {
    if (error instanceof ApplicationFailure) keepForSearches(error);
    throw error;
  }
}

/** A few quick attempts out of sight; undefined when all of them met trouble. */
async function tryLocally<Result>(attempts: () => Promise<Result>): Promise<Result | undefined> {
  try {
    return await attempts();
  } catch (error) {
    if (isCancellation(error)) throw error;
    const final = finalFailure(error);
    if (final) throw final;
    return undefined;
  }
}

/** As many visible attempts as it takes. */
async function runAsActivities(message: OrderMessage): Promise<IngestOrderResult> {
  const record =
    (await tryLocally(() => first.translateOrder(message))) ??
    (await runUntilDone('Translating the message', () => translateOrder(message)));
  return runUntilDone('Storing the order', () => storeOrder(record));
}

async function runUntilDone<Result>(
  step: string,
  attempts: () => Promise<Result>,
): Promise<Result> {
  setCurrentDetails(
    `${step} has met trouble since ${new Date().toISOString()} and is tried until it works. The pending activity has the latest failure, the number of attempts and the time of the next.`,
  );
  try {
    const result = await attempts();
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
  upsertSearchAttributes([{ key: FAILURE_TYPE, value: type ?? null }]);
  upsertMemo({ [FAILURE_MEMO]: message });
}
