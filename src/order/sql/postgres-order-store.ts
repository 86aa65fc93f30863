import type { OrderRecord, OrderStore, StoreOutcome } from '../order-store.ts';
import { describeError } from '../../program/operator-error.ts';
import { findStoredOrder, type ComparedOrderRow } from './find-orders.ts';
import { insertOrder, isOrderIdTaken } from './insert-order.ts';
import { type StatementPool, tracedQuery } from '../../postgres/statements.ts';
import { describeDatabaseError, isDatabaseError, isRejection } from '../../postgres/sql-state.ts';

/** The order store on Postgres. Throws only what may pass. */
export const createPostgresOrderStore = (pool: StatementPool): OrderStore => ({
  store: (record) => insertOrCompare(pool, record).catch(rejectedOrThrow),
});

async function insertOrCompare(pool: StatementPool, record: OrderRecord): Promise<StoreOutcome> {
  try {
    await tracedQuery(pool, 'INSERT', insertOrder(record));
    return { kind: 'stored' };
  } catch (error) {
    if (isOrderIdTaken(error)) return compareWithStored(pool, record);
    throw error;
  }
}

async function compareWithStored(pool: StatementPool, record: OrderRecord): Promise<StoreOutcome> {
  const query = findStoredOrder(record.order);
  const { rows } = await tracedQuery<ComparedOrderRow>(pool, 'SELECT', query);
  const stored = rows[0];
  if (!stored) throw new Error('the stored order was deleted meanwhile');
  // Older versions have other fingerprints, in rows and in records that a workflow has kept.
  if (stored.fingerprint === record.fingerprint || stored.has_same_values) {
    return { kind: 'already-stored' };
  }
  return {
    kind: 'conflict',
    storedFrom: {
      topic: stored.source_topic,
      partition: stored.source_partition,
      offset: stored.source_offset,
    },
  };
}

/**
 * What is thrown here is kept in Temporal's history with all its causes, so it gets a message fit to
 * be shown, and no cause.
 */
function rejectedOrThrow(error: unknown): StoreOutcome {
  if (!isDatabaseError(error)) throw new Error(describeError(error));
  const reason = describeDatabaseError(error);
  if (isRejection(error)) return { kind: 'rejected', reason };
  throw new Error(reason);
}
