import { DEAD_LETTER_HEADERS } from '../../contract/dead-letter.ts';
import type { Priority } from '../../contract/priority.ts';
import { messageBytes, type OutgoingMessage } from '../../kafka/producer.ts';
import { recordHeaders } from '../../kafka/record-headers.ts';
import type { TransactionalProducer } from '../../kafka/transactional-producer.ts';
import { RateLimit, type RateLimitOptions } from '../rate-limit.ts';
import type { DeadLetter } from './dead-letter-topic.ts';
import { requeueMark } from './requeue-marks.ts';

export interface RequeueDeadLettersOptions {
  /** Passes on the dead letters in question, batch by batch; waits for `onBatch` before the next one. */
  readonly readDeadLetters: (
    onBatch: (deadLetters: readonly DeadLetter[]) => Promise<void>,
    signal: AbortSignal,
  ) => Promise<void>;
  readonly isRequeued: (deadLetter: DeadLetter) => boolean;
  /** Where the messages go, and how many partitions each topic has. Dead letters from other topics are skipped. */
  readonly sourceTopics: ReadonlyMap<string, number>;
  readonly marksTopic: string;
  /** Undefined for a dry run, which only counts what would be sent. */
  readonly producer: Pick<TransactionalProducer, 'transact'> | undefined;
  /** Most dead letters per transaction. */
  readonly batchSize: number;
  /** Maximum number of dead letters per second; Infinity for no limit. */
  readonly perSecond: number;
  /** Stop after this many have been requeued. */
  readonly limit: number;
  /** Skip a message that has become a dead letter this often. */
  readonly maxAttempts: number;
  /** Include dead letters that have been requeued before. */
  readonly again: boolean;
  /** The priority of the orders; low if left out. */
  readonly priority?: Priority | undefined;
  readonly signal: AbortSignal;
  /** The IDs that were asked for, to report those that were not found; undefined for no particular ones. */
  readonly ids?: readonly string[] | undefined;
  readonly onProgress: (requeued: number) => void;
  readonly clock?: Pick<RateLimitOptions, 'now' | 'wait'>;
}

export interface RequeueResult {
  readonly requeued: number;
  /** Skipped, because they were requeued before. */
  readonly requeuedBefore: number;
  readonly tooManyAttempts: number;
  readonly otherTopic: number;
  readonly notSent: readonly UnsentDeadLetter[];
  /** The IDs that were asked for and not found. Empty if reading ended early. */
  readonly notFound: readonly string[];
}

export const NOTHING_REQUEUED: RequeueResult = {
  requeued: 0,
  requeuedBefore: 0,
  tooManyAttempts: 0,
  otherTopic: 0,
  notSent: [],
  notFound: [],
};

export const sumOf = (a: RequeueResult, b: RequeueResult): RequeueResult => ({
  requeued: a.requeued + b.requeued,
  requeuedBefore: a.requeuedBefore + b.requeuedBefore,
  tooManyAttempts: a.tooManyAttempts + b.tooManyAttempts,
  otherTopic: a.otherTopic + b.otherTopic,
  notSent: [...a.notSent, ...b.notSent],
  notFound: [...a.notFound, ...b.notFound],
});

/** A dead letter that cannot be sent. */
export interface UnsentDeadLetter {
  readonly id: string;
  readonly reason: string;
  /** Where the original message was. */
  readonly source: { readonly topic: string; readonly partition: number; readonly offset: string };
}

/**
 * A transaction sends its messages as one record batch, and a broker accepts 1 MB per batch by default.
 * A larger dead letter gets a transaction of its own.
 */
const TRANSACTION_MAX_BYTES = 500_000;

/**
 * Sends dead letters back to their source topic, unchanged, several per transaction. The same
 * transaction marks them as requeued, so an interrupted call can simply be repeated. A dead letter that
 * cannot be sent does not hold up the others.
 */
export async function requeueDeadLetters(
  options: RequeueDeadLettersOptions,
): Promise<RequeueResult> {
  const { producer, sourceTopics, marksTopic, limit, signal } = options;
  const result = { requeued: 0, requeuedBefore: 0, tooManyAttempts: 0, otherTopic: 0 };
  const notSent: UnsentDeadLetter[] = [];
  const unseen = new Set(options.ids);
  const limitReached = new AbortController();
  const rate = new RateLimit({
    ...options.clock,
    perSecond: producer ? options.perSecond : Number.POSITIVE_INFINITY,
    signal,
  });
  // A transaction sends its messages at once.
  const batchSize = Math.max(1, Math.min(options.batchSize, Math.floor(options.perSecond)));

  const reportUnsent = ({ id, metadata }: DeadLetter, reason: string) => {
    const { sourceTopic: topic, sourcePartition: partition, sourceOffset } = metadata;
    notSent.push({ id, reason, source: { topic, partition, offset: sourceOffset.toString() } });
  };

  /** The next dead letters to send, at most `count`. Counts or reports those that it skips. */
  const takeDue = (deadLetters: ArrayIterator<DeadLetter>, count: number) => {
    const due: DueMessage[] = [];
    while (due.length < count) {
      const { done, value: deadLetter } = deadLetters.next();
      if (done) break;
      const decision = decide(deadLetter, options);
      if (decision === 'incomplete') reportUnsent(deadLetter, missingParts(deadLetter));
      else if (decision !== 'send') result[decision] += 1;
      else {
        const partitions = sourceTopics.get(deadLetter.metadata.sourceTopic) ?? 0;
        due.push({
          deadLetter,
          message: originalMessage(deadLetter, partitions, options.priority),
        });
      }
    }
    return due;
  };

  const send = async (batch: readonly DueMessage[]): Promise<void> => {
    const [first] = batch;
    if (signal.aborted || !first) return;
    const { sourceTopic } = first.deadLetter.metadata;
    const outcome = await producer?.transact(
      { topic: sourceTopic, messages: batch.map(({ message }) => message) },
      { topic: marksTopic, messages: batch.map(({ deadLetter }) => requeueMark(deadLetter)) },
    );
    if (outcome?.kind !== 'rejected') {
      result.requeued += batch.length;
      options.onProgress(result.requeued);
      return;
    }
    if (batch.length === 1) {
      const bytes = messageBytes(first.message);
      reportUnsent(
        first.deadLetter,
        outcome.rejection === 'too-large'
          ? `its ${bytes} bytes exceed max.message.bytes of "${sourceTopic}", even compressed`
          : `the broker rejected it for "${sourceTopic}": ${outcome.error}`,
      );
      return;
    }
    // The broker does not say which one it rejected.
    const middle = Math.ceil(batch.length / 2);
    await send(batch.slice(0, middle));
    await send(batch.slice(middle));
  };

  await options.readDeadLetters(
    async (deadLetters) => {
      for (const { id } of deadLetters) unseen.delete(id);
      const waiting = deadLetters.values();
      while (result.requeued < limit && !signal.aborted) {
        // No more than can still be sent: what is beyond the limit is neither counted nor reported.
        const due = takeDue(waiting, limit - result.requeued);
        if (due.length === 0) return;
        let unsent = byPartition(due);
        while (unsent.length > 0) {
          const batch = nextBatch(unsent, batchSize);
          await rate.pass(batch.length);
          await send(batch);
          unsent = unsent.slice(batch.length);
        }
      }
      if (result.requeued >= limit) limitReached.abort();
    },
    AbortSignal.any([signal, limitReached.signal]),
  );
  const hasSeenAll = !signal.aborted && !limitReached.signal.aborted;
  return { ...result, notSent, notFound: hasSeenAll ? [...unseen] : [] };
}

interface DueMessage {
  readonly deadLetter: DeadLetter;
  readonly message: OutgoingMessage;
}

function decide(
  deadLetter: DeadLetter,
  { sourceTopics, again, isRequeued, maxAttempts }: RequeueDeadLettersOptions,
): 'send' | 'incomplete' | 'otherTopic' | 'requeuedBefore' | 'tooManyAttempts' {
  const { metadata } = deadLetter;
  if (!sourceTopics.has(metadata.sourceTopic)) return 'otherTopic';
  if (!again && isRequeued(deadLetter)) return 'requeuedBefore';
  if (metadata.attempt >= maxAttempts) return 'tooManyAttempts';
  return Object.keys(metadata.omitted).length > 0 ? 'incomplete' : 'send';
}

/** Groups them by topic and partition, and keeps the order within each. */
const byPartition = (due: readonly DueMessage[]): readonly DueMessage[] =>
  due.toSorted((a, b) => {
    const [topic, other] = [topicOf(a), topicOf(b)];
    if (topic !== other) return topic < other ? -1 : 1;
    return (a.message.partition ?? -1) - (b.message.partition ?? -1);
  });

const topicOf = ({ deadLetter }: DueMessage): string => deadLetter.metadata.sourceTopic;

/** The longest prefix that fits into one transaction: one partition, one record batch. */
function nextBatch(due: readonly DueMessage[], maxCount: number): readonly DueMessage[] {
  const [first] = due;
  const partition = first?.message.partition;
  let bytes = 0;
  const end = due.findIndex((one, index) => {
    const { message } = one;
    bytes += messageBytes(message);
    return (
      index > 0 &&
      (index >= maxCount ||
        bytes > TRANSACTION_MAX_BYTES ||
        partition === undefined ||
        message.partition !== partition ||
        (first !== undefined && topicOf(one) !== topicOf(first)))
    );
  });
  return end < 0 ? due : due.slice(0, end);
}

/** Says which parts of the original message the dead letter lacks. */
function missingParts({ metadata }: DeadLetter): string {
  const { omitted, sourceTopic, sourcePartition, sourceOffset } = metadata;
  const parts = Object.entries(omitted).map(([part, bytes]) => `${part} (${bytes} bytes)`);
  return `it lacks the ${parts.join(' and the ')} of the original message, which is in partition ${sourcePartition}, offset ${sourceOffset} of "${sourceTopic}"`;
}

const OUR_HEADERS: ReadonlySet<unknown> = new Set(Object.values(DEAD_LETTER_HEADERS));

/**
 * The message as it was before it became a dead letter. Of the headers that the bridge added it keeps
 * only the attempt, from which the bridge counts on if it becomes a dead letter again and by which it knows
 * that the message has been requeued. A message whose partition no longer exists is partitioned by its key.
 */
function originalMessage(
  deadLetter: DeadLetter,
  sourcePartitions: number,
  priority: Priority | undefined,
): OutgoingMessage {
  const { sourcePartition, attempt } = deadLetter.metadata;
  return {
    key: deadLetter.key,
    value: deadLetter.value,
    headers: [
      ...recordHeaders(deadLetter.headers).filter(({ name }) => !OUR_HEADERS.has(name)),
      { name: DEAD_LETTER_HEADERS.attempt, value: String(attempt) },
      ...(priority === undefined
        ? []
        : [{ name: DEAD_LETTER_HEADERS.priority, value: String(priority) }]),
    ],
    ...(sourcePartition < sourcePartitions ? { partition: sourcePartition } : {}),
  };
}
