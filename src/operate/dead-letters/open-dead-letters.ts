import { readSettings, type Environment, type Settings } from '../../config/read-settings.ts';
import { DEAD_LETTERS_ROLE } from '../../config/roles.ts';
import {
  createKafkaClient,
  deadLetterTopicOf,
  requeueMarksTopicOf,
} from '../../kafka/kafka-client.ts';
import { kafkaError } from '../../kafka/kafka-error.ts';
import { describeTopic, topicExists } from '../../kafka/topic-partitions.ts';
import { checkTopics, createTopics } from '../../kafka/topics.ts';
import { withFailFastAdmin } from '../../kafka/admin.ts';
import { createTransactionalProducer } from '../../kafka/transactional-producer.ts';
import { OperatorError } from '../../program/operator-error.ts';
import { silentLogger } from '../../telemetry/logger.ts';
import {
  detached,
  readDeadLetters,
  type DeadLetter,
  type DeadLetterFilter,
  type DeadLetterTopic,
} from './dead-letter-topic.ts';
import {
  requeueDeadLetters,
  type RequeueDeadLettersOptions,
  type RequeueResult,
} from './requeue-dead-letters.ts';
import { readRequeueMarks } from './requeue-marks.ts';

export interface FoundDeadLetter {
  readonly deadLetter: DeadLetter;
  readonly isRequeued: boolean;
}

/** The dead letters of one source topic. Every method throws OperatorErrors. */
export interface DeadLetters {
  readonly topic: string;
  /** Calls `onDeadLetter` for each that matches, without keeping them in memory. */
  list(
    filter: DeadLetterFilter,
    onDeadLetter: (deadLetter: DeadLetter, isRequeued: boolean) => void,
    signal?: AbortSignal,
  ): Promise<void>;
  /** All that match the filter and are wanted. Keeps them in memory: only for a few. */
  find(
    filter: DeadLetterFilter,
    isWanted: (deadLetter: DeadLetter) => Promise<boolean>,
  ): Promise<readonly FoundDeadLetter[]>;
  requeue(options: RequeueOptions): Promise<RequeueResult>;
}

export interface RequeueOptions extends Pick<
  RequeueDeadLettersOptions,
  'batchSize' | 'limit' | 'maxAttempts' | 'again' | 'signal' | 'onProgress'
> {
  readonly filter: DeadLetterFilter;
  /** Send nothing, and only count what would be sent. */
  readonly dryRun: boolean;
}

export async function openDeadLetters(env: Environment): Promise<DeadLetters> {
  const settings = readSettings(DEAD_LETTERS_ROLE, env);
  await withFailFastAdmin(settings.kafka, (admin) => checkTopics(admin, settings.kafka));
  const deadLetterTopic: DeadLetterTopic = {
    kafka: createKafkaClient(settings.kafka, silentLogger()),
    topic: deadLetterTopicOf(settings.kafka),
    marksTopic: requeueMarksTopicOf(settings.kafka),
    groupPrefix: settings.group.groupId,
  };
  const withOperatorErrors = async <Result>(work: () => Promise<Result>): Promise<Result> => {
    try {
      return await work();
    } catch (error) {
      if (error instanceof OperatorError) throw error;
      throw kafkaError(settings.kafka, error);
    }
  };
  return {
    topic: deadLetterTopic.topic,
    list: (filter, onDeadLetter, signal) =>
      withOperatorErrors(async () => {
        const isRequeued = await requeuedSince(settings, deadLetterTopic, filter.since);
        const onBatch = (deadLetters: readonly DeadLetter[]) => {
          for (const deadLetter of deadLetters) onDeadLetter(deadLetter, isRequeued(deadLetter));
          return Promise.resolve();
        };
        await readDeadLetters(deadLetterTopic, filter, onBatch, signal);
      }),
    find: (filter, isWanted) =>
      withOperatorErrors(async () => {
        const found: DeadLetter[] = [];
        await readDeadLetters(deadLetterTopic, filter, async (deadLetters) => {
          for (const deadLetter of deadLetters) {
            if (await isWanted(deadLetter)) found.push(detached(deadLetter));
          }
        });
        if (found.length === 0) return [];
        const oldest = found.reduce(
          (time, { writtenAt }) => Math.min(time, writtenAt),
          Number.POSITIVE_INFINITY,
        );
        const isRequeued = await requeuedSince(settings, deadLetterTopic, oldest);
        return found.map((deadLetter) => ({ deadLetter, isRequeued: isRequeued(deadLetter) }));
      }),
    requeue: (options) => withOperatorErrors(() => requeue(settings, deadLetterTopic, options)),
  };
}

type DeadLettersSettings = Settings<typeof DEAD_LETTERS_ROLE>;

/**
 * Returns a function that says whether a dead letter written at `since` or later has been requeued.
 * Without a marks topic, none has.
 */
const requeuedSince = async (
  { kafka }: DeadLettersSettings,
  deadLetterTopic: DeadLetterTopic,
  since: number | undefined,
) =>
  (await withFailFastAdmin(kafka, (admin) => topicExists(admin, deadLetterTopic.marksTopic)))
    ? readRequeueMarks(deadLetterTopic, since)
    : () => false;

async function requeue(
  settings: DeadLettersSettings,
  deadLetterTopic: DeadLetterTopic,
  { filter, dryRun, ...options }: RequeueOptions,
): Promise<RequeueResult> {
  const { topic } = settings.kafka;
  const sourcePartitions = await withFailFastAdmin(settings.kafka, async (admin) => {
    if (!dryRun) await createTopics(admin, settings.kafka, settings.topics);
    return (await describeTopic(admin, topic))?.length ?? 0;
  });
  const run = (
    isRequeued: RequeueDeadLettersOptions['isRequeued'],
    producer: RequeueDeadLettersOptions['producer'],
  ) =>
    requeueDeadLetters({
      ...options,
      ids: filter.ids,
      readDeadLetters: (onBatch, signal) =>
        readDeadLetters(deadLetterTopic, filter, onBatch, signal),
      isRequeued,
      sourceTopic: topic,
      sourcePartitions,
      marksTopic: deadLetterTopic.marksTopic,
      producer,
    });
  if (dryRun) return run(await requeuedSince(settings, deadLetterTopic, filter.since), undefined);
  // The transactional ID keeps its name: runs of older and newer versions must fence each other.
  const producer = createTransactionalProducer(
    deadLetterTopic.kafka,
    `${deadLetterTopic.topic}.replay`,
  );
  try {
    // Connecting fences other runs and aborts what a killed one left open. Only then are the marks
    // read: no other run can add to them any more.
    await producer.connect();
    return await run(await readRequeueMarks(deadLetterTopic, filter.since), producer);
  } finally {
    await producer.disconnect();
  }
}
