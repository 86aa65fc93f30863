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

/** Where a message stood in Kafka. */
export interface MessageSource {
  readonly topic: string;
  readonly partition: number;
  /** Decimal digits: offsets pass 2^53 in principle. */
  readonly offset: string;
}

/** That somebody has corrected the message of an order by hand. */
export interface Correction {
  /** Who has done it. */
  readonly by: string;
  /** When, in ISO 8601. */
  readonly at: string;
  /** Why, in their own words. */
  readonly reason: string;
}
