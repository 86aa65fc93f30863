import type { DatabaseError } from 'pg';
import { describeDatabaseError, isDatabaseError, isRejection } from '../../postgres/sql-state.ts';
import { runStatement, type StatementPool } from '../../postgres/statements.ts';
import { describeError } from '../../program/operator-error.ts';
import type { OrderRecord, OrderStore, StoreOutcome } from '../order-store.ts';
import { compareWithStored } from './find-orders.ts';
import { insertOrder, isOrderIdTaken } from './insert-order.ts';
import { ORDER_SCHEMA } from './schema.ts';

/** The order store on Postgres. It throws transient errors only. */
export const createPostgresOrderStore = (pool: StatementPool): OrderStore => ({
  store: (record) => insertOrCompare(pool, record).catch(rejectedOrThrow),
});

async function insertOrCompare(pool: StatementPool, record: OrderRecord): Promise<StoreOutcome> {
  try {
    await runStatement(pool, { operation: 'INSERT', table: 'orders' }, insertOrder(record));
    return { kind: 'stored' };
  } catch (error) {
    if (isOrderIdTaken(error)) return outcomeOfTakenId(pool, record);
    throw error;
  }
}

async function outcomeOfTakenId(pool: StatementPool, record: OrderRecord): Promise<StoreOutcome> {
  const stored = await compareWithStored(pool, record.order);
  if (!stored) throw new Error('the stored order has been deleted in the meantime');
  // Rows, and records in workflows that are still running, may hold an older version's fingerprint.
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
 * Temporal keeps what is thrown here in its history, with all causes. The message therefore quotes no
 * data, and there is no cause.
 */
function rejectedOrThrow(error: unknown): StoreOutcome {
  if (!isDatabaseError(error)) throw new Error(describeError(error));
  const reason = describeDatabaseError(error);
  if (isRejection(error) && !isOfUnknownColumn(error)) return { kind: 'rejected', reason };
  throw new Error(reason);
}

/**
 * A newer version has made a column required that this one does not fill, too early. That says nothing
 * about the order: the retry succeeds in a worker of the newer version.
 */
const isOfUnknownColumn = ({ code, table, column }: DatabaseError): boolean =>
  code === NOT_NULL_VIOLATION &&
  !Object.entries(ORDER_SCHEMA.tables).some(
    ([name, columns]) => name === table && columns.some((known) => known === column),
  );

const NOT_NULL_VIOLATION = '23502';
