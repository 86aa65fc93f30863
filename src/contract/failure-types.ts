/**
 * The types of the failures that no retry mends, as they stand in Temporal's history. People search
 * for these, and retry policies name them: a change breaks both.
 */
export const FAILURE_TYPES = {
  /** The message is JSON with an order ID, but not a valid order. */
  invalid: 'OrderInvalid',
  /** Another order with the same ID is stored already. */
  conflict: 'OrderConflict',
  /** Postgres refused the data itself. */
  rejected: 'OrderRejected',
} as const;

export const FINAL_FAILURE_TYPES: readonly string[] = Object.values(FAILURE_TYPES);
