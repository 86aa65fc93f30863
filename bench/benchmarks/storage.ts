import { setTimeout as delay } from 'node:timers/promises';
import type { Sample } from '../harness/compare.ts';
import { countStored } from '../harness/counts.ts';
import { BRIDGE_CODE, WORKER_CODE } from '../harness/measured-code.ts';
import { createOrderSystem, type OrderSystem } from '../harness/order-system.ts';
import {
  openTemporalDatabase,
  type Sizes,
  type TemporalDatabase,
} from '../harness/temporal-database.ts';
import type { Benchmark } from './benchmark.ts';

/** With few orders, the entries that a vacuum has not removed yet are most of the indexes. */
const COUNTS = { full: 20_000, short: 500 };
const POLL_MS = 200;

export const storage: Benchmark = {
  name: 'storage',
  ratio: "bytes of an order in Temporal's databases on Postgres, vacuumed, until it is deleted",
  unit: 'bytes',
  only: 'postgres',
  longOnly: true,
  code: ['bench/benchmarks/storage.ts', ...BRIDGE_CODE, ...WORKER_CODE],
  async prepare({ pids }, form) {
    const orders = await createOrderSystem(pids);
    const database = await openTemporalDatabase();
    return {
      subject: {
        name: 'an order',
        measure: () => measureStorage(orders, database, COUNTS[form]),
      },
      async close() {
        await database.close();
        await orders.close();
      },
    };
  },
};

async function measureStorage(
  orders: OrderSystem,
  database: TemporalDatabase,
  count: number,
): Promise<Sample> {
  await database.vacuum();
  const before = { ...(await database.sizes()), orders: await sizeOfOrders(orders) };
  await orders.ingest(count);
  await untilCompleted(orders);
  await database.vacuum();
  const after = { ...(await database.sizes()), orders: await sizeOfOrders(orders) };
  const grown = (key: keyof Sizes | 'orders') => (after[key] - before[key]) / count;
  return {
    value: grown('main') + grown('visibility'),
    figures: {
      'main database': grown('main'),
      'of it indexes': grown('mainIndexes'),
      'visibility database': grown('visibility'),
      'of that indexes': grown('visibilityIndexes'),
      'tables of the orders': grown('orders'),
    },
  };
}

/** Waits until visibility shows the workflow of each stored order as completed. */
export async function untilCompleted({ system }: OrderSystem): Promise<void> {
  const query = `WorkflowId STARTS_WITH '${system.workflowId('')}' AND ExecutionStatus = 'Completed'`;
  const stored = await countStored(system);
  while ((await system.client.workflow.count(query)).count < stored) await delay(POLL_MS);
}

async function sizeOfOrders({ system: { database } }: OrderSystem): Promise<number> {
  await database.pool.query('VACUUM orders, order_line_items');
  const { rows } = await database.pool.query<{ bytes: string }>(
    "SELECT pg_total_relation_size('orders') + pg_total_relation_size('order_line_items') AS bytes",
  );
  return Number(rows[0]?.bytes);
}
