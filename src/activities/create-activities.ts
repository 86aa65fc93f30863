import type { OrderActivities } from '../contract/ingest-order.ts';
import type { OrderStore } from '../domain/order-store.ts';
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
export const createActivities = (dependencies: ActivityDependencies): OrderActivities => ({
  translateOrder: observed(
    'translateOrder',
    createTranslateOrder(dependencies),
    dependencies.onAttempt,
  ),
  storeOrder: observed('storeOrder', createStoreOrder(dependencies), dependencies.onAttempt),
});
