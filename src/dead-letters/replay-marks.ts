import type { OutgoingMessage } from '../kafka/producer.ts';
import { readWholeTopic } from '../kafka/read-whole-topic.ts';
import type { DeadLetterPlace } from './read-dead-letters.ts';
import type { StoredDeadLetter } from './stored-dead-letter.ts';

/** The time tells a letter from one at the same offset of a topic that was deleted since. */
const markKey = ({ id, writtenAt }: StoredDeadLetter) => `${id}@${writtenAt}`;

export const replayMark = (letter: StoredDeadLetter): OutgoingMessage => ({
  key: markKey(letter),
  value: JSON.stringify({
    topic: letter.account.sourceTopic,
    partition: letter.account.sourcePartition,
    offset: letter.account.sourceOffset.toString(),
    reason: letter.account.reason,
  }),
});

/** Answers for each letter whether it has been replayed; needs the marks' topic to be there. */
export async function readReplayMarks({
  kafka,
  marksTopic,
  groupPrefix,
}: DeadLetterPlace): Promise<(letter: StoredDeadLetter) => boolean> {
  const marks = new Set<string>();
  await readWholeTopic(kafka, marksTopic, groupPrefix, ({ messages }) => {
    for (const { key } of messages) if (key) marks.add(key.toString());
    return Promise.resolve();
  });
  return (letter) => marks.has(markKey(letter));
}
