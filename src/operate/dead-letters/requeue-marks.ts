import { hash } from 'node:crypto';
import type { OutgoingMessage } from '../../kafka/producer.ts';
import { readTopic } from '../../kafka/topic-reader.ts';
import type { DeadLetter, DeadLetterTopic } from './dead-letter-topic.ts';
import { DigestSet } from './digest-set.ts';

/** The largest difference assumed between the clocks of the programs that write dead letters and marks. */
const MAX_CLOCK_SKEW_MS = 24 * 60 * 60 * 1000;

/** Includes the time: a deleted and recreated dead-letter topic uses its offsets again. */
const markKey = ({ id, writtenAt }: Pick<DeadLetter, 'id' | 'writtenAt'>) => `${id}@${writtenAt}`;

/** The message on the marks topic that records the requeue of a dead letter. */
export const requeueMark = (deadLetter: DeadLetter): OutgoingMessage => ({
  key: markKey(deadLetter),
  value: JSON.stringify({
    topic: deadLetter.metadata.sourceTopic,
    partition: deadLetter.metadata.sourcePartition,
    offset: deadLetter.metadata.sourceOffset.toString(),
    reason: deadLetter.metadata.reason,
  }),
});

const digestOf = (key: Buffer | string): Buffer => hash('sha256', key, 'buffer');

/**
 * Returns a function that says whether a dead letter has been requeued. The marks topic must exist.
 * Memory per mark: see `DigestSet`.
 *
 * @param since when the oldest dead letter in question was written, in milliseconds since 1970. A mark
 *   is written after its dead letter, so older marks are not read.
 */
export async function readRequeueMarks(
  { kafka, marksTopic, groupPrefix }: DeadLetterTopic,
  since?: number,
): Promise<(deadLetter: DeadLetter) => boolean> {
  const marks = new DigestSet();
  await readTopic(
    kafka,
    marksTopic,
    groupPrefix,
    ({ messages }) => {
      for (const { key } of messages) if (key) marks.add(digestOf(key));
      return Promise.resolve();
    },
    since === undefined ? {} : { since: Math.max(0, since - MAX_CLOCK_SKEW_MS) },
  );
  return (deadLetter) => marks.has(digestOf(markKey(deadLetter)));
}
