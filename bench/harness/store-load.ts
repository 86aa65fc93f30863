import pMap from 'p-map';
import type { Pool } from 'pg';
import { fingerprintOfOrder } from '../../src/order/fingerprint.ts';
import { translateMessage } from '../../src/order/translate-message.ts';
import type { OrderRecord } from '../../src/order/order-store.ts';
import { createDatabasePool } from '../../src/postgres/database-pool.ts';
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
  readonly measure: (store: (record: OrderRecord) => Promise<unknown>) => Promise<Sample>;
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
      const records = Array.from({ length: COUNT }, () => recordOf(`A-${(created += 1)}`));
      const seconds = await timed(() => pMap(records, store, { concurrency: CONCURRENCY }));
      return { value: COUNT / seconds };
    },
    async close() {
      await pool.end();
      await database.drop();
    },
  };
}

function recordOf(orderId: string): OrderRecord {
  const translation = translateMessage(orderText(orderId));
  if (translation.kind !== 'translated') throw new Error('the sample order is not valid');
  const { order } = translation;
  const fingerprint = fingerprintOfOrder(order);
  return { order, source: { topic: 'orders', partition: 0, offset: '1' }, fingerprint };
}
