import pMap from 'p-map';
import type { Pool } from 'pg';
import type { OrderRecord } from '../../src/contract/order-module.ts';
import type { Order } from '../../src/order/order.ts';
import { createDatabasePool } from '../../src/postgres/database-pool.ts';
import { recordOf } from '../../test/support/built-in-order.ts';
import { createTestDatabase } from '../../test/support/database.ts';
import type { Sample } from './compare.ts';
import { orderText } from './orders.ts';
import { timed } from './processes.ts';

const COUNT = 20_000;
const CONCURRENCY = 16;

/** A database, and orders to store in it. */
export interface StoreLoad {
  readonly pool: Pool;
  /** Stores new orders concurrently, one per connection. */
  readonly measure: (store: (record: OrderRecord<Order>) => Promise<unknown>) => Promise<Sample>;
  readonly close: () => Promise<void>;
}

export async function createStoreLoad(): Promise<StoreLoad> {
  const database = await createTestDatabase();
  const pool = createDatabasePool({
    url: database.url,
    connectTimeoutMs: 5000,
    statementTimeoutMs: 30_000,
    maxConnections: CONCURRENCY,
    onIdleError: () => undefined,
  });
  let created = 0;
  return {
    pool,
    async measure(store) {
      const records = Array.from({ length: COUNT }, () =>
        recordOf(orderText(`A-${(created += 1)}`)),
      );
      const seconds = await timed(() => pMap(records, store, { concurrency: CONCURRENCY }));
      return { value: COUNT / seconds };
    },
    async close() {
      await pool.end();
      await database.drop();
    },
  };
}
