import { attemptOf, DEAD_LETTER_HEADERS, type DeadLetterReason } from '../contract/dead-letter.ts';
import { cutBytes, withoutCutHeader } from '../kafka/cut-records.ts';
import type { ConsumedMessage } from '../kafka/partition-batch.ts';
import type { MessageProducer } from '../kafka/producer.ts';
import { VERSION } from '../program/version.ts';

export interface DeadLetter {
  readonly message: ConsumedMessage;
  readonly topic: string;
  readonly partition: number;
  readonly reason: DeadLetterReason;
  readonly error: string;
}

export interface DeadLetterWriter {
  /** Resolves when the broker has acknowledged it; throws what may pass. */
  write(letter: DeadLetter): Promise<void>;
}

/** Writes messages as they came, key, value and headers, with headers that say what was wrong. */
export const createDeadLetterWriter = (
  producer: MessageProducer,
  topic: string,
): DeadLetterWriter => ({
  async write(letter) {
    const { key, value, headers = {} } = letter.message;
    const all = { ...withoutCutHeader(headers), ...deadLetterHeaders(letter) };
    await producer.send(topic, [{ key, value, headers: all }]);
  },
});

function deadLetterHeaders({ message, topic, partition, reason, error }: DeadLetter) {
  const omitted = cutBytes(message.headers);
  return {
    [DEAD_LETTER_HEADERS.reason]: reason,
    [DEAD_LETTER_HEADERS.error]: error,
    [DEAD_LETTER_HEADERS.sourceTopic]: topic,
    [DEAD_LETTER_HEADERS.sourcePartition]: String(partition),
    [DEAD_LETTER_HEADERS.sourceOffset]: message.offset,
    [DEAD_LETTER_HEADERS.sourceTimestamp]: message.timestamp,
    [DEAD_LETTER_HEADERS.attempt]: String(attemptOf(message.headers) + 1),
    [DEAD_LETTER_HEADERS.bridgeVersion]: VERSION,
    ...(omitted === undefined ? {} : { [DEAD_LETTER_HEADERS.omittedBytes]: String(omitted) }),
  };
}
