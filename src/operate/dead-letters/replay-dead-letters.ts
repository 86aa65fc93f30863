import { DEAD_LETTER_HEADERS } from '../../contract/dead-letter.ts';
import { messageBytes, type OutgoingMessage } from '../../kafka/producer.ts';
import { recordHeaders } from '../../kafka/record-headers.ts';
import type { TransactionalProducer } from '../../kafka/transactional-producer.ts';
import { replayMark } from './replay-marks.ts';
import type { StoredDeadLetter } from './stored-dead-letter.ts';

export interface ReplayDeadLettersOptions {
  /** Hands over the dead letters to replay, some at a time; the next come when `onLetters` resolves. */
  readonly readLetters: (
    onLetters: (letters: readonly StoredDeadLetter[]) => Promise<void>,
    signal: AbortSignal,
  ) => Promise<void>;
  readonly isReplayed: (letter: StoredDeadLetter) => boolean;
  /** Where replayed messages go: letters from another topic are left alone. */
  readonly sourceTopic: string;
  /** How many partitions that topic has. */
  readonly sourcePartitions: number;
  readonly marksTopic: string;
  /** Undefined for a dry run: only count what would be sent. */
  readonly producer: Pick<TransactionalProducer, 'transact'> | undefined;
  /** Letters in one transaction. */
  readonly batchSize: number;
  readonly limit: number;
  /** A message that has become a dead letter this often is not replayed any more. */
  readonly maxAttempts: number;
  /** Also letters that have been replayed before. */
  readonly again: boolean;
  readonly signal: AbortSignal;
  /** IDs of letters that are to be found; undefined for all that there are. */
  readonly ids?: readonly string[] | undefined;
  readonly onProgress: (result: ReplayResult) => void;
}

export interface ReplayResult {
  readonly replayed: number;
  readonly replayedBefore: number;
  readonly tooManyAttempts: number;
  readonly otherTopic: number;
  /** Those that cannot be sent, each with its ID and why. */
  readonly notSent: readonly UnsentLetter[];
  /** IDs that were asked for, of which the filter leaves no letter; empty when it has ended early. */
  readonly notFound: readonly string[];
}

export interface UnsentLetter {
  readonly letter: string;
  readonly reason: string;
  /** Where the message came from. */
  readonly source: { readonly topic: string; readonly partition: number; readonly offset: string };
}

/**
 * Below the 1 MB that a broker takes by default in one batch, of which a transaction has one for its
 * messages. A larger letter has a transaction of its own.
 */
const BATCH_MAX_BYTES = 500_000;

/**
 * Sends dead letters to the source topic again, as they came, a batch in each transaction. Can be
 * interrupted and called again: what has been replayed is marked in the same transaction. A letter
 * that cannot be sent does not keep the others from being sent.
 */
export async function replayDeadLetters(options: ReplayDeadLettersOptions): Promise<ReplayResult> {
  const { producer, sourceTopic, marksTopic, limit } = options;
  const notSent: UnsentLetter[] = [];
  const result = {
    ...{ replayed: 0, replayedBefore: 0, tooManyAttempts: 0, otherTopic: 0 },
    ...{ notSent, notFound: [] },
  };
  const unseen = new Set(options.ids);
  const enough = new AbortController();
  const refuse = ({ id, account }: StoredDeadLetter, reason: string) => {
    const { sourceTopic: topic, sourcePartition: partition, sourceOffset } = account;
    notSent.push({
      letter: id,
      reason,
      source: { topic, partition, offset: sourceOffset.toString() },
    });
  };

  const isDue = (letter: StoredDeadLetter) => {
    const incomplete = incompleteness(letter);
    if (letter.account.sourceTopic !== sourceTopic) result.otherTopic += 1;
    else if (!options.again && options.isReplayed(letter)) result.replayedBefore += 1;
    else if (letter.account.attempt >= options.maxAttempts) result.tooManyAttempts += 1;
    else if (incomplete !== undefined) refuse(letter, incomplete);
    else return true;
    return false;
  };

  const send = async (batch: readonly DueLetter[]): Promise<void> => {
    if (options.signal.aborted) return;
    const outcome = await producer?.transact(
      { topic: sourceTopic, messages: batch.map(({ message }) => message) },
      { topic: marksTopic, messages: batch.map(({ letter }) => replayMark(letter)) },
    );
    if (outcome?.kind !== 'refused') {
      result.replayed += batch.length;
      options.onProgress(result);
      return;
    }
    const [first] = batch;
    if (batch.length === 1 && first) {
      const bytes = messageBytes(first.message);
      refuse(
        first.letter,
        outcome.refusal === 'too-large'
          ? `its ${bytes} bytes are more than "${sourceTopic}" takes, even compressed (max.message.bytes)`
          : `the broker refuses it for "${sourceTopic}": ${outcome.error}`,
      );
      return;
    }
    const middle = Math.ceil(batch.length / 2);
    await send(batch.slice(0, middle));
    await send(batch.slice(middle));
  };

  await options.readLetters(
    async (letters) => {
      for (const { id } of letters) unseen.delete(id);
      let due = byPartition(
        letters
          .filter(isDue)
          .map((letter) => ({ letter, message: messageOf(letter, options.sourcePartitions) })),
      );
      while (due.length > 0 && result.replayed < limit && !options.signal.aborted) {
        const batch = firstBatch(due, Math.min(options.batchSize, limit - result.replayed));
        await send(batch);
        due = due.slice(batch.length);
      }
      if (result.replayed >= limit) enough.abort();
    },
    AbortSignal.any([options.signal, enough.signal]),
  );
  const hasSeenAll = !options.signal.aborted && !enough.signal.aborted;
  return { ...result, notFound: hasSeenAll ? [...unseen] : [] };
}

interface DueLetter {
  readonly letter: StoredDeadLetter;
  readonly message: OutgoingMessage;
}

/** Those of one partition side by side, in their order. */
const byPartition = (due: readonly DueLetter[]): readonly DueLetter[] =>
  due.toSorted((a, b) => (a.message.partition ?? -1) - (b.message.partition ?? -1));

/** As many from the start as one transaction takes: all of them for one partition. */
function firstBatch(due: readonly DueLetter[], maxCount: number): readonly DueLetter[] {
  const partition = due[0]?.message.partition;
  let bytes = 0;
  const end = due.findIndex(({ message }, index) => {
    bytes += messageBytes(message);
    return (
      index > 0 &&
      (index >= maxCount ||
        bytes > BATCH_MAX_BYTES ||
        partition === undefined ||
        message.partition !== partition)
    );
  });
  return end < 0 ? due : due.slice(0, end);
}

/** Why a letter is not all of its message; undefined when it is. */
function incompleteness({ account }: StoredDeadLetter): string | undefined {
  const parts = Object.entries(account.omitted).map(([part, bytes]) => `${part} (${bytes} bytes)`);
  if (parts.length === 0) return undefined;
  const { sourceTopic, sourcePartition, sourceOffset } = account;
  return `the dead letter does not carry the ${parts.join(' and the ')} of its message, which is at partition ${sourcePartition}, offset ${sourceOffset} of "${sourceTopic}"`;
}

const OUR_HEADERS: ReadonlySet<unknown> = new Set(Object.values(DEAD_LETTER_HEADERS));

/**
 * The message as it came. Of our headers it keeps the number of attempts alone: the bridge counts on
 * if it becomes a dead letter again.
 */
function messageOf(letter: StoredDeadLetter, partitions: number): OutgoingMessage {
  const { sourcePartition, attempt } = letter.account;
  return {
    key: letter.key,
    value: letter.value,
    headers: [
      ...recordHeaders(letter.headers).filter(({ name }) => !OUR_HEADERS.has(name)),
      { name: DEAD_LETTER_HEADERS.attempt, value: String(attempt) },
    ],
    ...(sourcePartition < partitions ? { partition: sourcePartition } : {}),
  };
}
