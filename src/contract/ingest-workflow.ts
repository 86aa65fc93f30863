import type { Correction, MessageSource, OrderMessage } from './message.ts';

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

/** An `OrderRecord` as JSON, the only thing that crosses Temporal unharmed: amounts are digits. */
export interface PlainOrderRecord {
  readonly order: PlainOrder;
  readonly source: MessageSource;
  /** In the form of whichever version began the workflow. */
  readonly fingerprint: string;
  readonly correction?: Correction | undefined;
}

interface PlainOrder {
  readonly orderId: string;
  readonly createdAt: string;
  readonly customerName: string;
  readonly totalPrice: string;
  readonly lineItems: readonly PlainLineItem[];
}

interface PlainLineItem {
  readonly productId: string;
  readonly quantity: number;
  readonly unitPrice: string;
}
