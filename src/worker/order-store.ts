import type { DatabaseError, Pool } from 'pg';
import type { OrderRecord, OrderStorage, StoreOutcome } from '../contract/order-module.ts';
import { describeDatabaseError, isDatabaseError, isRejection } from '../postgres/sql-state.ts';
import { describeError } from '../program/operator-error.ts';

/** Stores orders on Postgres. Throws transient errors only. */
export interface OrderStore {
  store(record: OrderRecord): Promise<StoreOutcome>;
}

export const createOrderStore = (pool: Pool, storage: OrderStorage): OrderStore => ({
  store: (record) =>
    storage.store(pool, record).catch((error: unknown) => rejectedOrThrow(error, storage)),
});

/**
 * Temporal keeps what is thrown here in its history, with all causes. The message therefore quotes no data,
 * and there is no cause.
 */
function rejectedOrThrow(error: unknown, storage: OrderStorage): StoreOutcome {
  if (!isDatabaseError(error)) throw new Error(describeError(error));
  const reason = describeDatabaseError(error);
  if (isRejection(error) && !isOfUnknownColumn(error, storage)) return { kind: 'rejected', reason };
  throw new Error(reason);
}

/**
 * A newer version has made a column required that this one does not fill, too early. That says nothing
 * about the order: the retry succeeds in a worker of the newer version.
 */
const isOfUnknownColumn = (
  { code, table, column }: DatabaseError,
  { tables }: OrderStorage,
): boolean =>
  code === NOT_NULL_VIOLATION &&
  !Object.entries(tables).some(
    ([name, columns]) => name === table && columns.some((known) => known === column),
  );

const NOT_NULL_VIOLATION = '23502';
