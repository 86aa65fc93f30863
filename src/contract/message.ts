/** The workflow's input: the whole message, so that a re-run needs Temporal only. */
export interface OrderMessage {
  /** The message's value, decoded as UTF-8. */
  readonly text: string;
  readonly source: MessageSource & {
    /** Kafka's timestamp of the message: milliseconds since 1970, as decimal digits. */
    readonly timestamp: string;
  };
  /** Present if an operator has corrected the text. */
  readonly correction?: Correction;
}

/** The position of a message in Kafka. */
export interface MessageSource {
  readonly topic: string;
  readonly partition: number;
  /** Decimal digits, because an offset may exceed 2^53. */
  readonly offset: string;
}

/** A position as it was stored, possibly by something else: a workflow that was started by hand has none. */
type StoredSource = { readonly [Part in keyof MessageSource]: string | number | undefined };

/** Whether the stored position is that of the message. */
export const isSamePosition = (stored: StoredSource, source: MessageSource): boolean =>
  stored.topic === source.topic &&
  stored.partition === source.partition &&
  String(stored.offset) === source.offset;

/** A correction of an order's message by an operator. */
export interface Correction {
  /** Who made the correction. */
  readonly by: string;
  /** When it was made, in ISO 8601. */
  readonly at: string;
  /** Why it was made, in the operator's words. */
  readonly reason: string;
}
