import type { Correction, MessageSource } from '../contract/message.ts';
import type { Order } from './order.ts';

/** An order together with what is kept about the message that brought it. */
export interface OrderRecord {
  readonly order: Order;
  readonly source: MessageSource;
  /**
   * Of what the message says; equal fingerprints mean the same order. Unequal ones mean another order
   * only if the same version has made both.
   */
  readonly fingerprint: string;
  /** Undefined where the message is as it came. */
  readonly correction?: Correction | undefined;
}

/**
 * Every ending that a retry would not change. What a retry may change (the database is away, a
 * deadlock) is thrown instead.
 */
export type StoreOutcome =
  | { readonly kind: 'stored' }
  | { readonly kind: 'already-stored' }
  | { readonly kind: 'conflict'; readonly storedFrom: MessageSource }
  | { readonly kind: 'rejected'; readonly reason: string };

export interface OrderStore {
  /** Stores the order and all its line items or nothing; safe to repeat. */
  store(record: OrderRecord): Promise<StoreOutcome>;
}
