import { hash } from 'node:crypto';
import { cutBytes } from '../../kafka/cut-records.ts';
import type { ConsumedMessage } from '../../kafka/consumer/message-consumer.ts';
import type { OffsetRange } from '../../kafka/read-ranges.ts';
import { readWholeTopic } from '../../kafka/read-whole-topic.ts';
import { DigestSet } from './digest-set.ts';
import { earliestLetters } from './earliest-letters.ts';
import type { DeadLetterTopic } from './read-dead-letters.ts';
import { storedDeadLetter, type StoredDeadLetter } from './stored-dead-letter.ts';

/** Which messages of the source topic an index is about. */
export interface IndexedSource {
  readonly topic: string;
  /** Partition to offsets. Letters of other messages are left out. */
  readonly ranges: ReadonlyMap<number, OffsetRange>;
}

export interface IndexOptions {
  /** Ends the reading early: the index is then incomplete. */
  readonly signal?: AbortSignal;
  /** Of a dead-letter topic with fewer offsets all is read. */
  readonly smallTopicOffsets?: bigint;
}

/** Whether a message of the source topic has become a dead letter. */
export interface DeadLetterIndex {
  has(partition: number, message: ConsumedMessage): boolean;
}

/**
 * A message is recognised by its offset, its timestamp, its key and its value. The offset alone is not
 * enough: after a topic has been deleted and recreated, another message has it. The timestamp alone is
 * not either, since producers may set it.
 *
 * Memory per dead letter: see `DigestSet`.
 */
export class DeadLetterDigests implements DeadLetterIndex {
  readonly #source: IndexedSource;
  readonly #digests = new DigestSet();
  /** Whether there are letters without a timestamp of their source, which another program has written. */
  #hasUndated = false;

  constructor(source: IndexedSource) {
    this.#source = source;
  }

  add(letter: StoredDeadLetter): void {
    const { sourceTopic, sourcePartition, sourceOffset, sourceTimestamp, omitted } = letter.account;
    const range = this.#source.ranges.get(sourcePartition);
    if (sourceTopic !== this.#source.topic || !range) return;
    if (sourceOffset < range.from || sourceOffset >= range.to) return;
    if (sourceTimestamp === '') this.#hasUndated = true;
    const isIncomplete = omitted.value !== undefined || omitted.key !== undefined;
    const content = isIncomplete ? `omitted ${omitted.value ?? 'nothing'}` : wholeContent(letter);
    this.#digests.add(digestOf(sourcePartition, sourceOffset, sourceTimestamp, content));
  }

  has(partition: number, message: ConsumedMessage): boolean {
    if (this.#digests.size === 0) return false;
    // Of a value that was too large for its dead letter, the letter says only how large it was.
    const bytes = cutBytes(message.headers) ?? message.value?.length;
    const contents = [wholeContent(message), `omitted ${bytes ?? 'nothing'}`];
    const timestamps = this.#hasUndated ? [message.timestamp, ''] : [message.timestamp];
    return timestamps.some((timestamp) =>
      contents.some((content) =>
        this.#digests.has(digestOf(partition, BigInt(message.offset), timestamp, content)),
      ),
    );
  }
}

/** The lengths keep a key's last bytes from passing as a value's first. */
const wholeContent = ({ key, value }: Pick<ConsumedMessage, 'key' | 'value'>): string =>
  `whole ${key?.length ?? 'none'} ${value?.length ?? 'none'} ${hash(
    'sha256',
    Buffer.concat([key, value].filter((bytes) => bytes !== null)),
  )}`;

const digestOf = (partition: number, offset: bigint, timestamp: string, content: string): Buffer =>
  hash('sha256', `${partition}/${offset}/${timestamp}/${content}`, 'buffer');

/**
 * Reads the dead letters that can be of these messages. An index that is read after the group's
 * committed offsets has the letter of each message before them.
 */
export async function indexDeadLetters(
  place: DeadLetterTopic,
  source: IndexedSource,
  options: IndexOptions = {},
): Promise<DeadLetterIndex> {
  const index = new DeadLetterDigests(source);
  const since = await earliestLetters(place, source, options);
  const { signal } = options;
  await readWholeTopic(
    place.kafka,
    place.topic,
    place.groupPrefix,
    ({ partition, messages }) => {
      for (const message of messages) {
        const letter = storedDeadLetter(partition, message);
        if (letter) index.add(letter);
      }
      return Promise.resolve();
    },
    // The time says where to begin to read, no more: a letter can be dated like its message.
    { ...(signal ? { signal } : {}), ...(since === undefined ? {} : { since }) },
  );
  return index;
}
