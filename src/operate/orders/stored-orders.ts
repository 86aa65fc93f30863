import { databaseSettings } from '../../config/database-settings.ts';
import { givenValue } from '../../config/given-value.ts';
import { readSettings, type Environment } from '../../config/read-settings.ts';
import { STORED_ORDERS_ROLE } from '../../config/roles.ts';
import { createDatabasePool } from '../../postgres/database-pool.ts';
import { databaseError } from '../../postgres/database-error.ts';
import type { OrderStorage } from '../../contract/order-module.ts';
import { loadOrderModule } from '../../order-module/load-order-module.ts';

/** The tables of the orders, and a connection to them. */
export interface StoredOrders {
  readonly pool: ReturnType<typeof createDatabasePool>;
  readonly storage: OrderStorage;
}

/** Connects to Postgres for the time of `work`. */
export async function withStoredOrders<Result>(
  env: Environment,
  work: (stored: StoredOrders) => Promise<Result>,
): Promise<Result> {
  const { database, order } = readSettings(STORED_ORDERS_ROLE, env);
  const { storage } = await loadOrderModule(order.module);
  const pool = createDatabasePool({
    ...database,
    maxConnections: 1,
    onIdleError: () => undefined,
  });
  try {
    return await work({ pool, storage });
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
    return await withStoredOrders(env, async ({ pool, storage }) => {
      const stored = await storage.findByIds(pool, orderIds);
      return stored.map(({ orderId }) => orderId);
    });
  } catch (error) {
    throw databaseError(
      'Postgres cannot say whether the orders are stored',
      error,
      'check DATABASE_URL and that the server runs, or unset it to go by Kafka and Temporal alone',
    );
  }
}
