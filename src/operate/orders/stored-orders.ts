import { databaseSettings } from '../../config/database-settings.ts';
import { givenValue } from '../../config/given-value.ts';
import { readSettings, type Environment } from '../../config/read-settings.ts';
import { STORED_ORDERS_ROLE } from '../../config/roles.ts';
import { createDatabasePool } from '../../postgres/database-pool.ts';
import { databaseError } from '../../postgres/database-error.ts';
import { findStoredOrders } from '../../order/sql/find-orders.ts';

export type StoredOrdersPool = ReturnType<typeof createDatabasePool>;

/** Connects to Postgres for the time of `work`. */
export async function withStoredOrders<Result>(
  env: Environment,
  work: (pool: StoredOrdersPool) => Promise<Result>,
): Promise<Result> {
  const { database } = readSettings(STORED_ORDERS_ROLE, env);
  const pool = createDatabasePool({
    ...database,
    maxConnections: 1,
    onIdleError: () => undefined,
  });
  try {
    return await work(pool);
  } finally {
    await pool.end();
  }
}

/**
 * Which of these order IDs have a row in Postgres; none when the settings name no database. Throws an
 * OperatorError when it cannot be asked.
 */
export async function storedAmong(
  env: Environment,
  orderIds: readonly string[],
): Promise<readonly string[]> {
  if (givenValue(databaseSettings.url, env).from === 'unset' || orderIds.length === 0) return [];
  try {
    return await withStoredOrders(env, async (pool) => {
      const rows = await findStoredOrders(pool, orderIds);
      return rows.map(({ order_id }) => order_id);
    });
  } catch (error) {
    throw databaseError(
      'Postgres cannot say whether the orders are stored',
      error,
      'check DATABASE_URL and that the server runs, or unset it to go by Kafka and Temporal alone',
    );
  }
}
