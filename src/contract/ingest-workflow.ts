import type { Correction, MessageSource, OrderMessage } from './message.ts';

/** The workflow's type in Temporal. */
export const INGEST_ORDER = 'ingestOrder';

/** The workflow's signature. */
export type IngestOrder = (message: OrderMessage) => Promise<IngestOrderResult>;

export interface IngestOrderResult {
  /** `already-stored`: the same order was stored before. */
  readonly outcome: 'stored' | 'already-stored';
}

/** The activities that the workflow calls. Their names are recorded in histories. */
export interface OrderActivities {
  /** Does what the other two do, and fails as they do. */
  translateAndStoreOrder(message: OrderMessage): Promise<IngestOrderResult>;
  /** Translates a message into an order; fails with `OrderInvalid`. */
  translateOrder(message: OrderMessage): Promise<PlainOrderRecord>;
  /** Stores an order; fails with `OrderConflict` or `OrderRejected`. Any other failure is transient. */
  storeOrder(record: PlainOrderRecord): Promise<IngestOrderResult>;
}

/** An `OrderRecord` as plain JSON, as it crosses Temporal. */
export interface PlainOrderRecord {
  /** Missing in what older versions have written, whose `order` has it. */
  readonly orderId?: string;
  /** What the order module's `toJson` returns, or the text of the message if it has none. */
  readonly order: unknown;
  readonly source: MessageSource;
  /** In the form of the version that translated the message. */
  readonly fingerprint: string;
  readonly correction?: Correction | undefined;
}
