import { activityInfo } from '@temporalio/activity';
import type { IngestOrderResult, OrderActivities } from '../contract/ingest-workflow.ts';
import type { OrderMessage } from '../contract/message.ts';
import { fingerprintOfOrder } from '../order/fingerprint.ts';
import type { OrderRecord, OrderStore } from '../order/order-store.ts';
import { fromPlainRecord, toPlainRecord } from '../order/plain-order.ts';
import { translateMessage } from '../order/translate-message.ts';
import { describeError } from '../program/operator-error.ts';
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

export interface ActivityDependencies {
  readonly orderStore: OrderStore;
  readonly logger: Logger;
  readonly onOutcome: (outcome: OrderOutcome) => void;
  readonly onAttempt: OnAttempt;
}

/** All activities of a worker. */
export function createActivities(dependencies: ActivityDependencies): OrderActivities {
  const { onAttempt } = dependencies;
  const translate = measured('translateOrder', createTranslate(dependencies), onAttempt);
  const store = measured('storeOrder', createStore(dependencies), onAttempt);
  return {
    translateAndStoreOrder: async (message) => store(await translate(message)),
    translateOrder: async (message) => toPlainRecord(await translate(message)),
    storeOrder: (record) => store(fromPlainRecord(record)),
  };
}

/** Translates a message into an order. Deterministic; fails with `OrderInvalid`. */
const createTranslate =
  ({ logger, onOutcome }: ActivityDependencies) =>
  ({ text, source, correction }: OrderMessage): Promise<OrderRecord> => {
    const translation = translateMessage(text);
    switch (translation.kind) {
      case 'translated': {
        const { topic, partition, offset } = source;
        return Promise.resolve({
          order: translation.order,
          source: { topic, partition, offset },
          fingerprint: fingerprintOfOrder(translation.order),
          ...(correction ? { correction } : {}),
        });
      }
      case 'invalid': {
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
        return Promise.reject(failure);
      }
      default:
        return translation satisfies never;
    }
  };

/** Stores an order. Idempotent: storing the same order again succeeds. */
const createStore =
  ({ orderStore, logger, onOutcome }: ActivityDependencies) =>
  async (record: OrderRecord): Promise<IngestOrderResult> => {
    const { orderId } = record.order;
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
