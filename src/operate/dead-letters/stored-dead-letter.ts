import {
  readDeadLetterHeaders,
  type DeadLetterMetadata,
  type MessageHeaders,
} from '../../contract/dead-letter.ts';
import type { ConsumedMessage } from '../../kafka/consumer/message-consumer.ts';

/** A message in the dead-letter topic. */
export interface StoredDeadLetter {
  /** `partition:offset` within the dead-letter topic. */
  readonly id: string;
  readonly partition: number;
  readonly offset: bigint;
  /** When it was written: milliseconds since 1970. */
  readonly writtenAt: number;
  /** The message's; null where the dead letter has a generated one in its place. */
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: MessageHeaders;
  readonly account: DeadLetterMetadata;
}

/** Undefined for a message that no bridge has put there. */
export function storedDeadLetter(
  partition: number,
  message: ConsumedMessage,
): StoredDeadLetter | undefined {
  const headers = message.headers ?? {};
  const account = readDeadLetterHeaders(headers);
  if (!account) return undefined;
  return {
    id: `${partition}:${message.offset}`,
    partition,
    offset: BigInt(message.offset),
    writtenAt: Number(message.timestamp),
    key: account.hasGeneratedKey ? null : message.key,
    value: message.value,
    headers,
    account,
  };
}

/**
 * The same letter with memory of its own. Its bytes are otherwise parts of what was fetched at once, of
 * which a letter that is kept would keep all.
 */
export function detached(letter: StoredDeadLetter): StoredDeadLetter {
  const copy = <Value>(value: Value) => (Buffer.isBuffer(value) ? Buffer.from(value) : value);
  return {
    ...letter,
    key: letter.key && Buffer.from(letter.key),
    value: letter.value && Buffer.from(letter.value),
    headers: Object.fromEntries(
      Object.entries(letter.headers).map(([name, header]) => [
        name,
        Array.isArray(header) ? header.map(copy) : copy(header),
      ]),
    ),
  };
}

export interface DeadLetterFilter {
  /** Of the dead-letter topic, `partition:offset`; all if left out. */
  readonly ids?: readonly string[] | undefined;
  readonly reason?: string | undefined;
  /** Of the source topic. */
  readonly sourcePartition?: number | undefined;
  /** Written at or after this: milliseconds since 1970. */
  readonly since?: number | undefined;
  /** Written before this. */
  readonly until?: number | undefined;
}

export function matches(letter: StoredDeadLetter, filter: DeadLetterFilter): boolean {
  const { ids, reason, sourcePartition, since, until } = filter;
  return (
    (ids === undefined || ids.includes(letter.id)) &&
    (reason === undefined || letter.account.reason === reason) &&
    (sourcePartition === undefined || letter.account.sourcePartition === sourcePartition) &&
    (since === undefined || letter.writtenAt >= since) &&
    (until === undefined || letter.writtenAt < until)
  );
}
