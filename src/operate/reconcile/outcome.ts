/** The outcome of a message, according to Postgres, Temporal and the dead letters. */
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

export const emptyTally = (): Record<Outcome, number> => ({
  stored: 0,
  duplicate: 0,
  'in-progress': 0,
  failed: 0,
  'dead-lettered': 0,
  missing: 0,
});

export const messagesIn = (tally: OutcomeTally): number =>
  OUTCOMES.reduce((sum, outcome) => sum + tally[outcome], 0);

export interface PartitionAccount extends OutcomeTally {
  readonly partition: number;
  /** Offsets from `from` up to, but not including, `to`. */
  readonly from: bigint;
  readonly to: bigint;
  readonly messages: number;
}

/** A message without an outcome. */
export interface MissingMessage {
  readonly partition: number;
  readonly offset: string;
  /** Undefined when the message has none. */
  readonly orderId: string | undefined;
  readonly why: string;
}
