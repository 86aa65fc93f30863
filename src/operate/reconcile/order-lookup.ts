import type { Client } from '@temporalio/client';
import type { OrderId } from '../../contract/order-id.ts';
import { hasSameContent, type Identified } from '../../order/identify.ts';
import {
  compareWithStored,
  findStoredOrders,
  type StoredOrderRow,
} from '../../order/sql/find-orders.ts';
import { translateMessage } from '../../order/translate-message.ts';
import { isDatabaseError, isRejection } from '../../postgres/sql-state.ts';
import type { StatementPool } from '../../postgres/statements.ts';
import { describeOrder, type OrderWorkflow } from '../../temporal/order-workflow.ts';
import { messageOf, readRunStart } from '../../temporal/run-start.ts';

/** A message that has an order ID. */
export type ReadOrder = Extract<Identified, { kind: 'order' }>;

/** Looks orders up in Postgres and Temporal. */
export interface OrderLookup {
  /** The rows of those of the orders that have one. */
  readonly findRows: (orderIds: readonly OrderId[]) => Promise<readonly StoredOrderRow[]>;
  /** Whether the row with the order's ID has the order's values. */
  readonly hasValuesOf: (order: ReadOrder) => Promise<boolean>;
  /** The latest run of the order's workflow; undefined when Temporal has none, or it has expired. */
  readonly findWorkflow: (orderId: OrderId) => Promise<OrderWorkflow | undefined>;
  /** Whether the workflow has ingested an order with the content of this message. */
  readonly hasIngested: (workflow: OrderWorkflow, order: ReadOrder) => Promise<boolean>;
}

export function createOrderLookup(
  client: Client,
  pool: StatementPool,
  workflowIdPrefix: string,
): OrderLookup {
  return {
    findRows: (orderIds) => findStoredOrders(pool, orderIds),
    hasValuesOf: async ({ text }) => {
      const translation = translateMessage(text);
      if (translation.kind !== 'translated') return false;
      try {
        return (await compareWithStored(pool, translation.order))?.has_same_values ?? false;
      } catch (error) {
        // No row has values that Postgres rejects, such as a NUL character.
        if (isDatabaseError(error) && isRejection(error)) return false;
        throw error;
      }
    },
    findWorkflow: (orderId) => describeOrder({ client, workflowIdPrefix }, orderId),
    hasIngested: (workflow, order) =>
      hasSameContent(
        workflow.fingerprints,
        order,
        async () => messageOf(await readRunStart(client, workflow))?.text,
      ),
  };
}
