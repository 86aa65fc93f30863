import type { Correction, MessageSource } from '../domain/order-store.ts';

/**
 * The workflow's input: the message as it came, so that a re-run needs nothing but Temporal. The
 * text is the message's value decoded as UTF-8.
 */
export interface OrderMessage {
  readonly text: string;
  readonly source: MessageSource & {
    /** When the broker or the producer dated it: milliseconds since 1970, in digits. */
    readonly timestamp: string;
  };
  /** Where the text is not the message's, but what somebody has made of it. */
  readonly correction?: Correction;
}
