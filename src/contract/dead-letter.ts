import { isPriority, LOW_PRIORITY, type Priority } from './priority.ts';

/** Why no workflow could be started for a message. Operators filter by these values. */
export const DEAD_LETTER_REASONS = [
  'tombstone',
  'not-utf8',
  'not-json',
  'not-an-object',
  'no-schema-id',
  'unknown-schema-id',
  'wrong-schema-type',
  'unusable-schema',
  'schema-mismatch',
  'not-representable',
  'no-payload',
  'empty-payload',
  'no-order-id',
  'invalid-order-id',
  'too-large',
  'conflicting-duplicate',
  'refused-by-temporal',
] as const;

export type DeadLetterReason = (typeof DEAD_LETTER_REASONS)[number];

/** The headers that the bridge adds to those of the message. */
export const DEAD_LETTER_HEADERS = {
  reason: 'dead-letter.reason',
  error: 'dead-letter.error',
  sourceTopic: 'dead-letter.source.topic',
  sourcePartition: 'dead-letter.source.partition',
  sourceOffset: 'dead-letter.source.offset',
  sourceTimestamp: 'dead-letter.source.timestamp',
  attempt: 'dead-letter.attempt',
  /** The priority that a requeue gives to the order. Only in the source topic, never in a dead letter. */
  priority: 'dead-letter.priority',
  bridgeVersion: 'dead-letter.bridge.version',
  /** The size of a value that was too large to carry; only the source topic has it. */
  omittedBytes: 'dead-letter.value.omitted-bytes',
  /** The same for the key. */
  omittedKeyBytes: 'dead-letter.key.omitted-bytes',
  /** The same for the message's own headers, names and values together. */
  omittedHeaderBytes: 'dead-letter.headers.omitted-bytes',
  /** `true` if the message has no key and the dead-letter topic accepts only messages with one. */
  generatedKey: 'dead-letter.key.generated',
} as const;

/** Sizes in bytes of the parts of a message that its dead letter does not carry. */
export type OmittedParts = Readonly<Partial<Record<'key' | 'value' | 'headers', number>>>;

/** What the headers of a dead letter hold. */
export interface DeadLetterMetadata {
  readonly reason: string;
  readonly error: string;
  readonly sourceTopic: string;
  readonly sourcePartition: number;
  readonly sourceOffset: bigint;
  /** Milliseconds since 1970, as decimal digits. */
  readonly sourceTimestamp: string;
  /** 1 when the message has been dead-lettered for the first time. */
  readonly attempt: number;
  readonly bridgeVersion: string;
  /** Empty for a dead letter that carries its whole message. */
  readonly omitted: OmittedParts;
  /** Whether the bridge has generated the key because the message has none. */
  readonly hasGeneratedKey: boolean;
}

/** Kafka headers as kafkajs and other clients return them. */
export type MessageHeaders = Readonly<Record<string, HeaderValue | HeaderValue[] | undefined>>;
type HeaderValue = Uint8Array | string | null;

/** Undefined for a message that no bridge has written. */
export function readDeadLetterHeaders(headers: MessageHeaders): DeadLetterMetadata | undefined {
  const text = (name: string) => lastText(headers, name);
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
    omitted: omittedParts(headers),
    hasGeneratedKey: text(DEAD_LETTER_HEADERS.generatedKey) === 'true',
  };
}

const OMITTED_HEADERS = {
  value: DEAD_LETTER_HEADERS.omittedBytes,
  headers: DEAD_LETTER_HEADERS.omittedHeaderBytes,
  key: DEAD_LETTER_HEADERS.omittedKeyBytes,
} as const;

/** The headers that say what a dead letter does not carry. */
export const omittedPartsHeaders = (omitted: OmittedParts): Readonly<Record<string, string>> =>
  Object.fromEntries(
    PARTS.flatMap((part) =>
      omitted[part] === undefined ? [] : [[OMITTED_HEADERS[part], String(omitted[part])]],
    ),
  );

const omittedParts = (headers: MessageHeaders): OmittedParts =>
  Object.fromEntries(
    PARTS.flatMap((part) => {
      const bytes = lastText(headers, OMITTED_HEADERS[part]);
      return /^\d{1,15}$/.test(bytes) ? [[part, Number(bytes)]] : [];
    }),
  );

const PARTS = ['value', 'headers', 'key'] as const;

function lastText(headers: MessageHeaders, name: string): string {
  const all = headers[name];
  const value = (Array.isArray(all) ? all.at(-1) : all) ?? '';
  return typeof value === 'string' ? value : new TextDecoder().decode(value);
}

/** The priority of a requeued message: low, unless the requeue has set another. Undefined for all others. */
export function requeuedPriority(headers: MessageHeaders | undefined): Priority | undefined {
  if (attemptOf(headers) === 0) return undefined;
  const text = lastText(headers ?? {}, DEAD_LETTER_HEADERS.priority);
  const priority = /^[1-5]$/.test(text) ? Number(text) : undefined;
  return isPriority(priority) ? priority : LOW_PRIORITY;
}

/** How often the message has been dead-lettered before; 0 if it has no such header. */
export function attemptOf(headers: MessageHeaders | undefined): number {
  const digits = lastText(headers ?? {}, DEAD_LETTER_HEADERS.attempt);
  return /^\d{1,6}$/.test(digits) ? Number(digits) : 0;
}
