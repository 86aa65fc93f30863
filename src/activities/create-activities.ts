import type { OrderActivities } from '../contract/ingest-order.ts';
import type { OrderStore } from '../domain/order-store.ts';
import type { Logger } from '../telemetry/logger.ts';
import { createStoreOrder } from './store-order.ts';
import { createTranslateOrder } from './translate-order.ts';

export interface ActivityDependencies {
  readonly orderStore: OrderStore;
  readonly logger: Logger;
}

/** All activities of a worker, over what they depend on. */
export const createActivities = (dependencies: ActivityDependencies): OrderActivities => ({
  translateOrder: createTranslateOrder(dependencies),
  storeOrder: createStoreOrder(dependencies),
});
