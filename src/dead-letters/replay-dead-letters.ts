import { DEAD_LETTER_HEADERS } from '../contract/dead-letter.ts';
import type { OutgoingMessage } from '../kafka/producer.ts';
import type { TransactionalProducer } from '../kafka/transactional-producer.ts';
import { readDeadLetters, type DeadLetterPlace } from './read-dead-letters.ts';
import { readReplayMarks, replayMark } from './replay-marks.ts';
import type { DeadLetterFilter, StoredDeadLetter } from './stored-dead-letter.ts';

export interface ReplayDeadLettersOptions {
  readonly place: DeadLetterPlace;
  readonly filter: DeadLetterFilter;
  /** Where replayed messages go: letters from another topic are left alone. */
  readonly sourceTopic: string;
  /** How many partitions that topic has. */
  readonly sourcePartitions: number;
  readonly producer: TransactionalProducer;
  /** Letters in one transaction. */
  readonly batchSize: number;
  readonly limit: number;
  /** A message that has become a dead letter this often is not replayed any more. */
  readonly maxAttempts: number;
  /** Also letters that have been replayed before. */
  readonly again: boolean;
  readonly dryRun: boolean;
  readonly signal: AbortSignal;
  readonly onProgress: (result: ReplayResult) => void;
}

export interface ReplayResult {
  readonly replayed: number;
  readonly replayedBefore: number;
  readonly tooManyAttempts: number;
  readonly otherTopic: number;
}

/**
 * Sends dead letters to the source topic again, as they came, a transaction a batch. Can be
 * interrupted and called again: what has been replayed is marked in the same transaction.
 */
export async function replayDeadLetters(options: ReplayDeadLettersOptions): Promise<ReplayResult> {
  const { place, filter, producer, limit, dryRun } = options;
  const isReplayed = await readReplayMarks(place);
  const result = { replayed: 0, replayedBefore: 0, tooManyAttempts: 0, otherTopic: 0 };
  const enough = new AbortController();
  const signal = AbortSignal.any([options.signal, enough.signal]);

  const isDue = (letter: StoredDeadLetter) => {
    if (letter.account.sourceTopic !== options.sourceTopic) result.otherTopic += 1;
    else if (!options.again && isReplayed(letter)) result.replayedBefore += 1;
    else if (letter.account.attempt >= options.maxAttempts) result.tooManyAttempts += 1;
    else return true;
    return false;
  };

  await readDeadLetters(
    place,
    filter,
    async (letters) => {
      let due = letters.filter(isDue).slice(0, limit - result.replayed);
      while (due.length > 0 && !options.signal.aborted) {
        const batch = due.slice(0, options.batchSize);
        if (!dryRun) {
          await producer.transact([
            {
              topic: options.sourceTopic,
              messages: batch.map((letter) => messageOf(letter, options.sourcePartitions)),
            },
            { topic: place.marksTopic, messages: batch.map(replayMark) },
          ]);
        }
        due = due.slice(batch.length);
        result.replayed += batch.length;
        options.onProgress(result);
      }
      if (result.replayed >= limit) enough.abort();
    },
    signal,
  );
  return result;
}

/**
 * The message as it came. Of our headers it keeps the number of attempts alone: the bridge counts on
 * if it becomes a dead letter again.
 */
function messageOf(letter: StoredDeadLetter, partitions: number): OutgoingMessage {
  const ours: readonly string[] = Object.values(DEAD_LETTER_HEADERS);
  const headers = Object.fromEntries(
    Object.entries(letter.headers).filter(([name]) => !ours.includes(name)),
  );
  const { sourcePartition, attempt } = letter.account;
  return {
    key: letter.key,
    value: letter.value,
    headers: { ...headers, [DEAD_LETTER_HEADERS.attempt]: String(attempt) },
    ...(sourcePartition < partitions ? { partition: sourcePartition } : {}),
  };
}
