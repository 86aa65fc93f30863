import type { Correction, MessageSource } from '../contract/message.ts';
import type { Order } from './order.ts';

/** An order with what is stored about the message that it came from. */
export interface OrderRecord {
  readonly order: Order;
  readonly source: MessageSource;
  /**
   * Equal fingerprints mean the same order. Different ones mean different orders only if they have the same
   * form: see `isOtherForm`.
   */
  readonly fingerprint: string;
  /** Present if an operator has corrected the message. */
  readonly correction?: Correction | undefined;
}

/** The final outcomes of a store. Transient errors, such as a deadlock or an outage, are thrown instead. */
export type StoreOutcome =
  | { readonly kind: 'stored' }
  | { readonly kind: 'already-stored' }
  | { readonly kind: 'conflict'; readonly storedFrom: MessageSource }
  | { readonly kind: 'rejected'; readonly reason: string };

export interface OrderStore {
  /** Stores the order with all its line items, or nothing. Idempotent. */
  store(record: OrderRecord): Promise<StoreOutcome>;
}
