import { hash } from 'node:crypto';
import type { OutgoingMessage } from '../../kafka/producer.ts';
import { readWholeTopic } from '../../kafka/read-whole-topic.ts';
import { DigestSet } from './digest-set.ts';
import type { DeadLetterTopic } from './read-dead-letters.ts';
import type { StoredDeadLetter } from './stored-dead-letter.ts';

/** By which the clocks of whoever writes letters and marks may differ. */
const CLOCK_DIFFERENCE_MS = 24 * 60 * 60 * 1000;

/** The time tells a letter from one at the same offset of a topic that was deleted since. */
const markKey = ({ id, writtenAt }: Pick<StoredDeadLetter, 'id' | 'writtenAt'>) =>
  `${id}@${writtenAt}`;

export const replayMark = (letter: StoredDeadLetter): OutgoingMessage => ({
  key: markKey(letter),
  value: JSON.stringify({
    topic: letter.account.sourceTopic,
    partition: letter.account.sourcePartition,
    offset: letter.account.sourceOffset.toString(),
    reason: letter.account.reason,
  }),
});

const digestOf = (key: Buffer | string): Buffer => hash('sha256', key, 'buffer');

/**
 * Answers for each letter whether it has been replayed; needs the marks' topic to be there. Memory per
 * mark: see `DigestSet`.
 *
 * @param since when the oldest letter that is asked about was written: a mark is written after its
 *   letter, so that older ones are not read
 */
export async function readReplayMarks(
  { kafka, marksTopic, groupPrefix }: DeadLetterTopic,
  since?: number,
): Promise<(letter: StoredDeadLetter) => boolean> {
  const marks = new DigestSet();
  await readWholeTopic(
    kafka,
    marksTopic,
    groupPrefix,
    ({ messages }) => {
      for (const { key } of messages) if (key) marks.add(digestOf(key));
      return Promise.resolve();
    },
    since === undefined ? {} : { since: Math.max(0, since - CLOCK_DIFFERENCE_MS) },
  );
  return (letter) => marks.has(digestOf(markKey(letter)));
}
