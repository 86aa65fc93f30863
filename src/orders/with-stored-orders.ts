import { readSettings, type Environment } from '../config/read-settings.ts';
import { STORED_ORDERS_ROLE } from '../config/roles.ts';
import { createDatabasePool } from '../storage/database-pool.ts';

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
