import { readSettings, type Environment, type Settings } from '../../config/read-settings.ts';
import { DEAD_LETTERS_ROLE } from '../../config/roles.ts';
import { createKafkaClient } from '../../kafka/kafka-client.ts';
import { kafkaError } from '../../kafka/kafka-error.ts';
import {
  chooseTopic,
  chooseTopics,
  deadLetterTopicOf,
  requeueMarksTopicOf,
} from '../../kafka/source-topics.ts';
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
  NOTHING_REQUEUED,
  sumOf,
  type RequeueDeadLettersOptions,
  type RequeueResult,
} from './requeue-dead-letters.ts';
import { readRequeueMarks } from './requeue-marks.ts';

export interface FoundDeadLetter {
  readonly deadLetter: DeadLetter;
  readonly isRequeued: boolean;
}

/**
 * The dead letters of the source topics, on one or more dead-letter topics. Every method throws OperatorErrors,
 * also for a filter with IDs if there are several dead-letter topics, each of which has an ID such as 0:17.
 */
export interface DeadLetters {
  /** The names of the dead-letter topics. */
  readonly topics: readonly string[];
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
  | 'batchSize'
  | 'perSecond'
  | 'limit'
  | 'maxAttempts'
  | 'again'
  | 'priority'
  | 'signal'
  | 'onProgress'
> {
  readonly filter: DeadLetterFilter;
  /** Send nothing, and only count what would be sent. */
  readonly dryRun: boolean;
}

/** A dead-letter topic with the source topics of its dead letters. */
interface SharedDeadLetterTopic extends DeadLetterTopic {
  readonly sources: readonly string[];
}

/** @param sourceTopic only dead letters from this one of `KAFKA_TOPIC` */
export async function openDeadLetters(
  env: Environment,
  sourceTopic?: string,
): Promise<DeadLetters> {
  const settings = readSettings(DEAD_LETTERS_ROLE, env);
  const sources = chooseTopics(settings.kafka, sourceTopic);
  await withFailFastAdmin(settings.kafka, (admin) =>
    checkTopics(admin, { ...settings.kafka, topics: sources }),
  );
  const kafka = createKafkaClient(settings.kafka, silentLogger());
  const names = new Set(sources.map((source) => deadLetterTopicOf(settings.kafka, source)));
  const topics = [...names].map((topic): SharedDeadLetterTopic => ({
    kafka,
    topic,
    sources: sources.filter((source) => deadLetterTopicOf(settings.kafka, source) === topic),
    marksTopic: requeueMarksTopicOf(topic),
    groupPrefix: settings.group.groupId,
  }));
  /** The filter, if it can be applied to all of the dead-letter topics. */
  const complete = (filter: DeadLetterFilter): DeadLetterFilter => {
    if (filter.ids && topics.length > 1) chooseTopic(settings.kafka, sourceTopic);
    return { ...filter, sourceTopic };
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
    topics: [...names],
    list: (filter, onDeadLetter, signal) =>
      withOperatorErrors(async () => {
        const applied = complete(filter);
        for (const topic of topics) {
          const isRequeued = await requeuedSince(settings, topic, filter.since);
          const onBatch = (deadLetters: readonly DeadLetter[]) => {
            for (const deadLetter of deadLetters) onDeadLetter(deadLetter, isRequeued(deadLetter));
            return Promise.resolve();
          };
          await readDeadLetters(topic, applied, onBatch, signal);
        }
      }),
    find: (filter, isWanted) =>
      withOperatorErrors(async () => {
        const applied = complete(filter);
        const found: FoundDeadLetter[] = [];
        for (const topic of topics) found.push(...(await find(settings, topic, applied, isWanted)));
        return found;
      }),
    requeue: (options) =>
      withOperatorErrors(async () => {
        const filter = complete(options.filter);
        let sum = NOTHING_REQUEUED;
        for (const topic of topics) {
          const { requeued } = sum;
          const result = await requeue(settings, topic, {
            ...options,
            filter,
            limit: options.limit - requeued,
            onProgress: (count) => {
              options.onProgress(requeued + count);
            },
          });
          sum = sumOf(sum, result);
          if (options.signal.aborted || sum.requeued >= options.limit) break;
        }
        return sum;
      }),
  };
}

async function find(
  settings: DeadLettersSettings,
  deadLetterTopic: DeadLetterTopic,
  filter: DeadLetterFilter,
  isWanted: (deadLetter: DeadLetter) => Promise<boolean>,
): Promise<readonly FoundDeadLetter[]> {
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
  deadLetterTopic: SharedDeadLetterTopic,
  { filter, dryRun, ...options }: RequeueOptions,
): Promise<RequeueResult> {
  const { sources } = deadLetterTopic;
  const partitionsOf = await withFailFastAdmin(settings.kafka, async (admin) => {
    if (!dryRun) {
      await createTopics(admin, { ...settings.kafka, topics: sources }, settings.topics);
    }
    const partitions = new Map<string, number>();
    for (const topic of sources) {
      partitions.set(topic, (await describeTopic(admin, topic))?.length ?? 0);
    }
    return partitions;
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
      sourceTopics: partitionsOf,
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
