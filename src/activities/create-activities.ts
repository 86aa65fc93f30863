import type { OrderActivities } from '../contract/ingest-workflow.ts';
import { fromPlainRecord, toPlainRecord } from '../order/plain-order.ts';
import type { OrderStore } from '../order/order-store.ts';
import type { Logger } from '../telemetry/logger.ts';
import { observed, type OnAttempt } from './observed.ts';
import { createStoreOrder } from './store-order.ts';
import { createTranslateOrder } from './translate-order.ts';

/** How an order ended in this worker; counted for the metrics. */
export const ORDER_ENDINGS = [
  'stored',
  'already-stored',
  'invalid',
  'conflict',
  'rejected',
] as const;
export type OrderEnding = (typeof ORDER_ENDINGS)[number];

export interface ActivityDependencies {
  readonly orderStore: OrderStore;
  readonly logger: Logger;
  readonly onEnding: (ending: OrderEnding) => void;
  readonly onAttempt: OnAttempt;
}

/** All activities of a worker, over what they depend on. */
export function createActivities(dependencies: ActivityDependencies): OrderActivities {
  const { onAttempt } = dependencies;
  const translate = observed('translateOrder', createTranslateOrder(dependencies), onAttempt);
  const store = observed('storeOrder', createStoreOrder(dependencies), onAttempt);
  return {
    translateAndStoreOrder: async (message) => store(await translate(message)),
    translateOrder: async (message) => toPlainRecord(await translate(message)),
    storeOrder: (record) => store(fromPlainRecord(record)),
  };
}
