import type { Environment } from '../config/read-settings.ts';
import { databaseFailed } from '../storage/database-failed.ts';
import { findStoredOrders, type IdentifiedOrderRow } from '../storage/find-stored-orders.ts';
import { withStoredOrders } from './with-stored-orders.ts';

/**
 * Which of these order IDs have a row in Postgres; none when the settings name no database. Throws an
 * OperatorError when it cannot be asked.
 */
export async function storedAmong(
  env: Environment,
  orderIds: readonly string[],
): Promise<readonly string[]> {
  if (!env['DATABASE_URL'] || orderIds.length === 0) return [];
  try {
    return await withStoredOrders(env, async (pool) => {
      const { rows } = await pool.query<IdentifiedOrderRow>(findStoredOrders(orderIds));
      return rows.map(({ order_id }) => order_id);
    });
  } catch (error) {
    throw databaseFailed(
      'Postgres cannot say whether the orders are stored',
      error,
      'check DATABASE_URL and that the server runs, or unset it to go by Kafka and Temporal alone',
    );
  }
}
