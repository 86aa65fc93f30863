import type { IngestOrderResult } from '../contract/ingest-workflow.ts';
import type { OrderRecord } from '../order/order-store.ts';
import { describeError } from '../program/operator-error.ts';
import type { ActivityDependencies } from './create-activities.ts';
import { activityLogFields } from './observed.ts';
import { orderConflict, orderRejected } from './failures.ts';

/** Puts the order into the store. Safe to repeat: the same content again is a success. */
export const createStoreOrder =
  ({ orderStore, logger, onEnding }: ActivityDependencies) =>
  async (record: OrderRecord): Promise<IngestOrderResult> => {
    const { orderId } = record.order;
    const context = { orderId, ...record.source, ...activityLogFields() };
    const outcome = await orderStore.store(record).catch((error: unknown) => {
      const failure = { ...context, event: 'order_load_failed', error: describeError(error) };
      logger.warn(failure, 'the order could not be stored; Temporal tries again');
      throw error;
    });
    onEnding(outcome.kind);
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
