/** What has become of a message, as far as Postgres, Temporal and the dead letters tell. */
export const OUTCOMES = [
  'stored',
  'duplicate',
  'in-progress',
  'failed',
  'dead-lettered',
  'missing',
] as const;

export type Outcome = (typeof OUTCOMES)[number];

export type OutcomeTally = Readonly<Record<Outcome, number>>;

export interface PartitionAccount extends OutcomeTally {
  readonly partition: number;
  /** Offsets from `from` up to, but not including, `to`. */
  readonly from: bigint;
  readonly to: bigint;
  readonly messages: number;
}

/** A message that nothing accounts for. */
export interface MissingMessage {
  readonly partition: number;
  readonly offset: string;
  /** Undefined when the message has none. */
  readonly orderId: string | undefined;
  readonly why: string;
}
