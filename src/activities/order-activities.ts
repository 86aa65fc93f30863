import type { OrderActivities, IngestOrderResult } from '../contract/ingest-workflow.ts';
import { fromPlainRecord, toPlainRecord } from '../order/plain-order.ts';
import type { OrderStore, OrderRecord } from '../order/order-store.ts';
import type { Logger } from '../telemetry/logger.ts';
import { measured, type OnAttempt, activityLogFields } from './attempts.ts';
import { fingerprintOfOrder } from '../order/fingerprint.ts';
import type { OrderMessage } from '../contract/message.ts';
import { translateMessage } from '../order/translate-message.ts';
import { orderInvalid, orderConflict, orderRejected } from './failures.ts';
import { describeError } from '../program/operator-error.ts';

/** How an order ended in this worker; counted for the metrics. */
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

/** All activities of a worker, over what they depend on. */
export function createActivities(dependencies: ActivityDependencies): OrderActivities {
  const { onAttempt } = dependencies;
  const translate = measured('translateOrder', createTranslateOrder(dependencies), onAttempt);
  const store = measured('storeOrder', createStoreOrder(dependencies), onAttempt);
  return {
    translateAndStoreOrder: async (message) => store(await translate(message)),
    translateOrder: async (message) => toPlainRecord(await translate(message)),
    storeOrder: (record) => store(fromPlainRecord(record)),
  };
}

/** Wire message to domain order; fails with `OrderInvalid`. Running it again gives the same. */
export const createTranslateOrder =
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

/** Puts the order into the store. Safe to repeat: the same content again is a success. */
export const createStoreOrder =
  ({ orderStore, logger, onOutcome }: ActivityDependencies) =>
  async (record: OrderRecord): Promise<IngestOrderResult> => {
    const { orderId } = record.order;
    const context = { orderId, ...record.source, ...activityLogFields() };
    const outcome = await orderStore.store(record).catch((error: unknown) => {
      const failure = { ...context, event: 'order_load_failed', error: describeError(error) };
      logger.warn(failure, 'the order could not be stored; Temporal tries again');
      throw error;
    });
    onOutcome(outcome.kind);
    switch (outcome.kind) {
      case 'stored':
      case 'already-stored':
        logger.info({ ...context, event: 'order_loaded', outcome: outcome.kind }, 'order stored');
        return { outcome: outcome.kind };
      case 'conflict':
        logger.warn({ ...context, event: 'order_load_failed', outcome }, 'conflicting order');
        throw orderConflict(outcome.storedFrom);
      case 'rejected':
        logger.warn({ ...context, event: 'order_load_failed', outcome }, 'order refused');
        throw orderRejected(outcome.reason);
      default:
        return outcome satisfies never;
    }
  };
