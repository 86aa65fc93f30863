import type { OrderMessage } from './order-message.ts';
import type { PlainOrderRecord } from './plain-order.ts';

/** The workflow's type in Temporal. */
export const INGEST_ORDER = 'ingestOrder';

export interface IngestOrderResult {
  /** `already-stored`: the same content was in the database before. */
  readonly outcome: 'stored' | 'already-stored';
}

/** What the workflow asks of a worker. */
export interface OrderActivities {
  /** Both of the others at once; fails as they do. */
  translateAndStoreOrder(message: OrderMessage): Promise<IngestOrderResult>;
  /** Wire message to domain order; fails with `OrderInvalid`. */
  translateOrder(message: OrderMessage): Promise<PlainOrderRecord>;
  /** Fails with `OrderConflict` or `OrderRejected`; any other failure is worth a retry. */
  storeOrder(record: PlainOrderRecord): Promise<IngestOrderResult>;
}
