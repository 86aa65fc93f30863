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
  /** How large the value was, where it was too large to be carried: it is at the source alone. */
  omittedBytes: 'dead-letter.value.omitted-bytes',
} as const;

/** What the headers of a dead letter say. */
export interface DeadLetterAccount {
  readonly reason: string;
  readonly error: string;
  readonly sourceTopic: string;
  readonly sourcePartition: number;
  readonly sourceOffset: bigint;
  /** Milliseconds since 1970, in digits. */
  readonly sourceTimestamp: string;
  /** 1 for a message that has become a dead letter for the first time. */
  readonly attempt: number;
  readonly bridgeVersion: string;
}

/** Kafka's headers, as clients give them. */
export type MessageHeaders = Readonly<
  Record<string, Buffer | string | (Buffer | string)[] | undefined>
>;

/** Undefined for a message that no bridge has put there. */
export function readDeadLetterHeaders(headers: MessageHeaders): DeadLetterAccount | undefined {
  const text = (name: string) => {
    const value = headers[name];
    return String((Array.isArray(value) ? value.at(-1) : value) ?? '');
  };
  const partition = text(DEAD_LETTER_HEADERS.sourcePartition);
  const offset = text(DEAD_LETTER_HEADERS.sourceOffset);
  if (!/^\d{1,9}$/.test(partition) || !/^\d{1,19}$/.test(offset)) return undefined;
  return {
    reason: text(DEAD_LETTER_HEADERS.reason),
    error: text(DEAD_LETTER_HEADERS.error),
    sourceTopic: text(DEAD_LETTER_HEADERS.sourceTopic),
    sourcePartition: Number(partition),
    sourceOffset: BigInt(offset),
    sourceTimestamp: text(DEAD_LETTER_HEADERS.sourceTimestamp),
    attempt: attemptOf(headers),
    bridgeVersion: text(DEAD_LETTER_HEADERS.bridgeVersion),
  };
}

/** How often the message has become a dead letter before; 0 where no header says so. */
export function attemptOf(headers: MessageHeaders | undefined): number {
  const value = headers?.[DEAD_LETTER_HEADERS.attempt];
  const digits = String((Array.isArray(value) ? value.at(-1) : value) ?? '');
  return /^\d{1,6}$/.test(digits) ? Number(digits) : 0;
}
