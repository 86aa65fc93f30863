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

const local = proxyLocalActivities<OrderActivities>(LOCAL_OPTIONS);
const { translateOrder } = proxyActivities<OrderActivities>({
  ...REGULAR_OPTIONS,
  summary: 'translate the message into an order',
});
const { storeOrder } = proxyActivities<OrderActivities>({
  ...REGULAR_OPTIONS,
  summary: 'store the order in Postgres',
});

/**
 * Ingests one order: translates its message and stores it. Completes when the order is stored. Fails with
 * `OrderInvalid`, `OrderConflict` or `OrderRejected` where no retry can help. Retries every other failure
 * without limit.
 */
export async function ingestOrder(message: OrderMessage): Promise<IngestOrderResult> {
  try {
    return (
      (await tryLocally(() => local.translateAndStoreOrder(message))) ??
      (await runAsActivities(message))
    );
  } catch (error) {
    if (error instanceof ApplicationFailure) recordFailure(error);
    throw error;
  }
}

/** Runs a local activity. Undefined when all its attempts have failed with a transient error. */
async function tryLocally<Result>(activity: () => Promise<Result>): Promise<Result | undefined> {
  try {
    return await activity();
  } catch (error) {
    if (isCancellation(error)) throw error;
    const final = finalFailure(error);
    if (final) throw final;
    return undefined;
  }
}

/** Translates and stores in separate activities, whose attempts are visible and unlimited. */
async function runAsActivities(message: OrderMessage): Promise<IngestOrderResult> {
  const record =
    (await tryLocally(() => local.translateOrder(message))) ??
    (await runUntilDone('Translating the message', () => translateOrder(message)));
  return runUntilDone('Storing the order', () => storeOrder(record));
}

async function runUntilDone<Result>(
  step: string,
  activity: () => Promise<Result>,
): Promise<Result> {
  setCurrentDetails(
    `${step} has been failing since ${new Date().toISOString()} and is being retried. The pending activity shows the latest failure, the number of attempts and the time of the next one.`,
  );
  try {
    const result = await activity();
    setCurrentDetails('');
    return result;
  } catch (error) {
    throw finalFailure(error) ?? error;
  }
}

/**
 * The activity's failure if it is final, else undefined. It is rethrown unchanged, so that the workflow's
 * failure has the type that operators search for. A local activity throws it directly, a regular one
 * wrapped in an ActivityFailure.
 */
function finalFailure(error: unknown): ApplicationFailure | undefined {
  const cause = error instanceof ActivityFailure ? error.cause : error;
  return cause instanceof ApplicationFailure && FINAL_FAILURE_TYPES.includes(cause.type ?? '')
    ? cause
    : undefined;
}

/** Makes the failure available to filters in the Temporal UI and to `order-ingest orders list`. */
function recordFailure({ type, message }: ApplicationFailure): void {
  upsertSearchAttributes([{ key: FAILURE_TYPE, value: type ?? null }]);
  upsertMemo({ [FAILURE_MEMO]: message });
}
