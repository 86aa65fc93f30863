import type { KafkaClient } from '../../kafka/kafka-client.ts';
import { rangesAround } from '../../kafka/read-ranges.ts';
import { readWholeTopic } from '../../kafka/read-whole-topic.ts';
import {
  matches,
  storedDeadLetter,
  type DeadLetterFilter,
  type StoredDeadLetter,
} from './stored-dead-letter.ts';

/** Where the dead letters are, and how to read them. */
export interface DeadLetterTopic {
  readonly kafka: KafkaClient;
  readonly topic: string;
  /** Of the marks which of them have been replayed. */
  readonly marksTopic: string;
  readonly groupPrefix: string;
}

/**
 * Hands over the dead letters that match, some at a time; the next come when `onLetters` resolves.
 * Reads no more of the topic than the IDs and the time of the filter leave.
 */
export async function readDeadLetters(
  { kafka, topic, groupPrefix }: DeadLetterTopic,
  filter: DeadLetterFilter,
  onLetters: (letters: readonly StoredDeadLetter[]) => Promise<void>,
  signal?: AbortSignal,
): Promise<void> {
  await readWholeTopic(
    kafka,
    topic,
    groupPrefix,
    async ({ partition, messages }) => {
      const letters = messages.flatMap((message) => {
        const letter = storedDeadLetter(partition, message);
        return letter && matches(letter, filter) ? [letter] : [];
      });
      if (letters.length > 0) await onLetters(letters);
    },
    {
      ...(signal ? { signal } : {}),
      ...(filter.since === undefined ? {} : { since: filter.since }),
      ...(filter.ids ? { within: rangesAround(placesOf(filter.ids)) } : {}),
    },
  );
}

/** Where the letters of these IDs are. */
const placesOf = (ids: readonly string[]) =>
  ids.map((id) => {
    const [partition = '', offset = ''] = id.split(':');
    return { partition: Number(partition), offset: BigInt(offset) };
  });
