import type { KeyObject } from 'node:crypto';
import { activityInfo, ApplicationFailure } from '@temporalio/activity';
import { workflowId } from '../contract/ids.ts';
import { isJsonObject, parseJson } from '../contract/json.ts';
import type {
  IngestOrderResult,
  OrderActivities,
  PlainOrderRecord,
} from '../contract/ingest-workflow.ts';
import type { MessageSource, OrderMessage } from '../contract/message.ts';
import {
  translateText,
  type OrderModule,
  type OrderRecord,
  type StoreOutcome,
  type Translation,
} from '../contract/order-module.ts';
import { describeThrown } from '../contract/thrown.ts';
import { describeError } from '../program/operator-error.ts';
import type { Availability } from '../telemetry/health/dependency-health.ts';
import type { Logger } from '../telemetry/logger.ts';
import { measured, type OnAttempt } from './attempts.ts';
import { orderConflict, orderInvalid, orderRejected } from './failures.ts';

/** The outcomes of an order in a worker, as the metrics count them. */
export const ORDER_OUTCOMES = [
  'stored',
  'already-stored',
  'invalid',
  'conflict',
  'rejected',
] as const;
export type OrderOutcome = (typeof ORDER_OUTCOMES)[number];

/** What a worker uses of an order module, besides its storage. */
export type ModuleOfWorker = Pick<OrderModule, 'identify' | 'translate' | 'toJson' | 'fromJson'>;

export interface ActivityDependencies {
  readonly orderModule: ModuleOfWorker;
  readonly orderStore: { store(record: OrderRecord): Promise<StoreOutcome> };
  /** The workflow IDs of the bridge begin with it. */
  readonly workflowIdPrefix: string;
  /** Replaces the order ID in workflow IDs by its HMAC, if they do not contain it. */
  readonly workflowIdKey?: KeyObject | undefined;
  readonly logger: Logger;
  readonly onOutcome: (outcome: OrderOutcome) => void;
  readonly onAttempt: OnAttempt;
  /** Waits while Postgres is unavailable, but not so long that an attempt to store an order times out. */
  readonly untilDatabaseAvailable: () => Promise<Availability>;
}

/** All activities of a worker. */
export function createActivities(dependencies: ActivityDependencies): OrderActivities {
  const { orderModule, onAttempt } = dependencies;
  const translate = measured('translateOrder', createTranslate(dependencies), onAttempt);
  const store = measured('storeOrder', createStore(dependencies), onAttempt);
  return {
    translateAndStoreOrder: async (message) => store(await translate(message)),
    translateOrder: async (message) => {
      const { order, ...record } = await translate(message);
      const json = callModule(dependencies, 'toJson', record, () => orderModule.toJson?.(order));
      return { ...record, order: json ?? message.text };
    },
    storeOrder: (record) =>
      oncePossible(dependencies, () => store(fromPlainRecord(dependencies, record))),
  };
}

/** From this attempt on, Temporal waits for half a minute or longer before the next one. */
const FIRST_WAITING_ATTEMPT = 6;

/**
 * Has an attempt that follows many others wait for Postgres to recover. The attempts of all other orders then
 * queue up in Temporal, and follow at the full rate, not within a minute, each after its own backoff.
 * Earlier attempts are made at once: another worker may reach Postgres.
 */
async function oncePossible<Result>(
  { untilDatabaseAvailable }: ActivityDependencies,
  attempt: () => Promise<Result>,
): Promise<Result> {
  if (activityInfo().attempt < FIRST_WAITING_ATTEMPT) return attempt();
  const availability = await untilDatabaseAvailable();
  switch (availability) {
    case 'available':
      return attempt();
    case 'unavailable':
      // It fails, and Temporal shows why. The order then waits here again, and not in its backoff.
      return attempt().catch((error: unknown) => {
        if (error instanceof ApplicationFailure) throw error;
        throw retryIn('10s', describeError(error));
      });
    // The order may have been cancelled in the meantime: this attempt must not store it.
    case 'recovered':
      throw retryIn('1ms', 'Postgres has recovered');
    case 'aborted':
      throw retryIn('1ms', 'the worker is shutting down');
    default:
      return availability satisfies never;
  }
}

const retryIn = (nextRetryDelay: '1ms' | '10s', message: string) =>
  ApplicationFailure.create({ message, type: 'RetryAfterWait', nextRetryDelay });

/** Translates a message into an order. Deterministic; fails with `OrderInvalid`. */
const createTranslate =
  (dependencies: ActivityDependencies) =>
  ({ text, source, correction }: OrderMessage): OrderRecord => {
    const { orderId, order, fingerprint } = translateMessage(dependencies, text, source);
    const { topic, partition, offset } = source;
    return {
      orderId,
      order,
      source: { topic, partition, offset },
      fingerprint,
      ...(correction ? { correction } : {}),
    };
  };

/** Translates the text of a message. Throws `OrderInvalid`, or an error that is retried. */
function translateMessage(
  dependencies: ActivityDependencies,
  text: string,
  source: MessageSource,
): Extract<Translation<unknown>, { kind: 'translated' }> {
  const { orderModule, logger, onOutcome } = dependencies;
  const translation = callModule(dependencies, 'translate', { source }, () =>
    translateText(orderModule, text),
  );
  switch (translation.kind) {
    case 'translated': {
      checkIsOfWorkflow(dependencies, translation.orderId, source);
      return translation;
    }
    case 'invalid': {
      // To another module, a valid order may be an invalid one.
      checkIsOfWorkflow(dependencies, identify(dependencies, text, source), source);
      const failure = orderInvalid(translation.issues);
      onOutcome('invalid');
      logger.warn(
        {
          event: 'order_translation_failed',
          ...source,
          ...activityLogFields(),
          error: failure.message,
        },
        'the message is not a valid order',
      );
      throw failure;
    }
    default:
      return translation satisfies never;
  }
}

/** The order ID of a message; undefined if it has none, in which case the bridge starts no workflow. */
function identify(
  dependencies: ActivityDependencies,
  text: string,
  source: MessageSource,
): string | undefined {
  const { orderModule } = dependencies;
  const json = parseJson(text);
  if (!json.ok || !isJsonObject(json.value)) return undefined;
  const message = json.value;
  return callModule(dependencies, 'identify', { source }, () => {
    const identification = orderModule.identify(message);
    return identification.kind === 'order' ? identification.orderId : undefined;
  });
}

/**
 * Throws an error that is retried unless the workflow is that of the order. A worker with another module than the
 * bridge would store the order under an ID that nothing else knows, or fail a valid order.
 */
function checkIsOfWorkflow(
  dependencies: ActivityDependencies,
  orderId: string | undefined,
  source: MessageSource,
): void {
  if (isWorkflowOf(dependencies, orderId)) return;
  throw moduleFailed(
    dependencies,
    { source },
    'the order module of this worker finds another order ID in the message than that of the bridge, or none: do both have the same ORDER_MODULE and WORKFLOW_ID_HASH_KEY?',
  );
}

/** Stores an order. Idempotent: storing the same order again succeeds. */
const createStore =
  ({ orderStore, logger, onOutcome }: ActivityDependencies) =>
  async (record: OrderRecord): Promise<IngestOrderResult> => {
    const { orderId } = record;
    const context = { orderId, ...record.source, ...activityLogFields() };
    const outcome = await orderStore.store(record).catch((error: unknown) => {
      const failure = { ...context, event: 'order_load_failed', error: describeError(error) };
      logger.warn(failure, 'the order could not be stored; Temporal will retry');
      throw error;
    });
    onOutcome(outcome.kind);
    switch (outcome.kind) {
      case 'stored':
      case 'already-stored':
        logger.info({ ...context, event: 'order_loaded', outcome: outcome.kind }, 'order stored');
        return { outcome: outcome.kind };
      case 'conflict':
        logger.warn(
          { ...context, event: 'order_load_failed', outcome },
          'a different order with this ID is already stored',
        );
        throw orderConflict(outcome.storedFrom);
      case 'rejected':
        logger.warn(
          { ...context, event: 'order_load_failed', outcome },
          'Postgres rejected the order',
        );
        throw orderRejected(outcome.reason);
      default:
        return outcome satisfies never;
    }
  };

/** Throws if the record breaks a rule of the domain: a version with other rules wrote it. */
function fromPlainRecord(
  dependencies: ActivityDependencies,
  { order, orderId = (order as { readonly orderId: string }).orderId, ...rest }: PlainOrderRecord,
): OrderRecord {
  const { orderModule } = dependencies;
  if (typeof order === 'string') {
    return { ...rest, orderId, order: translateMessage(dependencies, order, rest.source).order };
  }
  if (!orderModule.fromJson) {
    throw moduleFailed(
      dependencies,
      rest,
      'another version of the order module has written the order with toJson, and this one has no fromJson',
    );
  }
  const read = callModule(dependencies, 'fromJson', rest, () => orderModule.fromJson?.(order));
  return { ...rest, orderId, order: read };
}

/**
 * Calls the order module. Temporal keeps what is thrown in its history, with all causes, and the text of an
 * exception may quote personal data: only its class and place are kept.
 */
function callModule<Result>(
  dependencies: Pick<ActivityDependencies, 'logger'>,
  name: keyof ModuleOfWorker,
  message: Pick<OrderRecord, 'source'>,
  call: () => Result,
): Result {
  try {
    return call();
  } catch (error) {
    const problem = `${name} of the order module threw ${describeThrown(error)}`;
    throw moduleFailed(dependencies, message, problem);
  }
}

/** Logs a fault of the order module. The error is retried. */
function moduleFailed(
  { logger }: Pick<ActivityDependencies, 'logger'>,
  { source }: Pick<OrderRecord, 'source'>,
  problem: string,
): Error {
  const error = `${problem}; Temporal retries until a worker has a corrected or matching module`;
  logger.error(
    { event: 'order_module_failed', ...source, ...activityLogFields(), error },
    'the order module has a fault',
  );
  return new Error(error);
}

/**
 * Whether the workflow is that of the order. One whose ID has another prefix can be of any order: it was started
 * by hand, or before the prefix was changed.
 */
function isWorkflowOf(
  { workflowIdPrefix: prefix, workflowIdKey: key }: ActivityDependencies,
  orderId: string | undefined,
): boolean {
  const id = activityInfo().workflowExecution?.workflowId;
  if (!id?.startsWith(prefix)) return true;
  if (orderId === undefined) return false;
  // One that was started before the order ID was replaced contains it.
  return id === workflowId(prefix, orderId) || id === workflowId(prefix, orderId, key);
}

/** The workflow and the attempt that a log line is about. */
function activityLogFields(): {
  readonly workflowId: string | undefined;
  readonly runId: string | undefined;
  readonly attempt: number;
} {
  const { workflowExecution, attempt } = activityInfo();
  return {
    workflowId: workflowExecution?.workflowId,
    runId: workflowExecution?.runId,
    attempt,
  };
}
