/**
 * The types of the failures that no retry can fix, as Temporal's history holds them. Operators search for
 * them and deployed versions compare with them, so they must not change.
 */
export const FAILURE_TYPES = {
  /** The message is JSON with an order ID, but not a valid order. */
  invalid: 'OrderInvalid',
  /** A different order with the same ID is already stored. */
  conflict: 'OrderConflict',
  /** Postgres rejected the data itself. */
  rejected: 'OrderRejected',
} as const;

export type FailureType = (typeof FAILURE_TYPES)[keyof typeof FAILURE_TYPES];

export const FINAL_FAILURE_TYPES: readonly string[] = Object.values(FAILURE_TYPES);
