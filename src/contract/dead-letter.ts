/** Why a message could not become a workflow. Part of the contract: people filter by these. */
export const DEAD_LETTER_REASONS = [
  'tombstone',
  'not-utf8',
  'not-json',
  'not-an-object',
  'no-order-id',
  'invalid-order-id',
  'too-large',
  'conflicting-duplicate',
  'refused-by-temporal',
] as const;

export type DeadLetterReason = (typeof DEAD_LETTER_REASONS)[number];

/** Names of the headers that a dead letter has beside its own. */
export const DEAD_LETTER_HEADERS = {
  reason: 'dead-letter.reason',
  error: 'dead-letter.error',
  sourceTopic: 'dead-letter.source.topic',
  sourcePartition: 'dead-letter.source.partition',
  sourceOffset: 'dead-letter.source.offset',
  sourceTimestamp: 'dead-letter.source.timestamp',
  attempt: 'dead-letter.attempt',
  bridgeVersion: 'dead-letter.bridge.version',
} as const;
