import type { Client } from '@temporalio/client';
import type { Pool } from 'pg';
import { hasIngested } from '../../bridge/has-ingested.ts';
import type { MessageSource } from '../../contract/message.ts';
import type { OrderId } from '../../contract/order-id.ts';
import { translateText, type StoredOrder } from '../../contract/order-module.ts';
import type { IdentifiedOrder, MessageReader } from '../../order-module/message-reader.ts';
import { isDatabaseError, isRejection } from '../../postgres/sql-state.ts';
import {
  describeOrder,
  type OrderNamespace,
  type OrderWorkflow,
} from '../../temporal/order-workflow.ts';

/** Looks orders up in Postgres and Temporal. */
export interface OrderLookup {
  /** The rows of those of the orders that have one. */
  readonly findRows: (orderIds: readonly OrderId[]) => Promise<readonly StoredOrder[]>;
  /** Whether the row with the order's ID has the order's values. */
  readonly hasValuesOf: (order: IdentifiedOrder) => Promise<boolean>;
  /** The latest run of the order's workflow; undefined when Temporal has none, or it has expired. */
  readonly findWorkflow: (orderId: OrderId) => Promise<OrderWorkflow | undefined>;
  /** Whether the workflow has ingested an order with the content of this message. */
  readonly hasIngested: (
    workflow: OrderWorkflow,
    message: IdentifiedOrder & { readonly source: MessageSource },
  ) => Promise<boolean>;
}

export function createOrderLookup(
  client: Client,
  pool: Pool,
  reader: MessageReader,
  workflowIds: Pick<OrderNamespace, 'workflowIdPrefix' | 'workflowIdKey'>,
): OrderLookup {
  const { orderModule } = reader;
  const { storage } = orderModule;
  return {
    findRows: (orderIds) => storage.findByIds(pool, orderIds),
    hasValuesOf: async ({ text }) => {
      const translation = translateText(orderModule, text);
      if (translation.kind !== 'translated') return false;
      try {
        return await storage.hasValues(pool, translation.orderId, translation.order);
      } catch (error) {
        // No row has values that Postgres rejects, such as a NUL character.
        if (isDatabaseError(error) && isRejection(error)) return false;
        throw error;
      }
    },
    findWorkflow: (orderId) => describeOrder({ client, ...workflowIds }, orderId),
    hasIngested: (workflow, message) => hasIngested({ client, reader }, workflow, message),
  };
}
