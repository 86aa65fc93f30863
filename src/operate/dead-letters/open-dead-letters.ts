import { readSettings, type Environment, type Settings } from '../../config/read-settings.ts';
import { DEAD_LETTERS_ROLE } from '../../config/roles.ts';
import {
  createKafkaClient,
  deadLetterTopicOf,
  kafkaFailed,
  replayMarksTopicOf,
} from '../../kafka/kafka-client.ts';
import { describeTopic, topicExists } from '../../kafka/topic-partitions.ts';
import { checkTopics, createTopics, withAdmin } from '../../kafka/topics.ts';
import { createTransactionalProducer } from '../../kafka/transactional-producer.ts';
import { OperatorError } from '../../program/operator-error.ts';
import { silentLogger } from '../../telemetry/logger.ts';
import { readDeadLetters, type DeadLetterTopic } from './read-dead-letters.ts';
import {
  replayDeadLetters,
  type ReplayDeadLettersOptions,
  type ReplayResult,
} from './replay-dead-letters.ts';
import { readReplayMarks } from './replay-marks.ts';
import { detached, type DeadLetterFilter, type StoredDeadLetter } from './stored-dead-letter.ts';

export interface FoundDeadLetter {
  readonly letter: StoredDeadLetter;
  readonly isReplayed: boolean;
}

/** The dead letters of one topic, for the commands that people call. All throw OperatorErrors. */
export interface DeadLetters {
  readonly topic: string;
  /** Hands over those that match, each with whether it has been replayed. */
  list(
    filter: DeadLetterFilter,
    onLetter: (letter: StoredDeadLetter, isReplayed: boolean) => void,
    signal?: AbortSignal,
  ): Promise<void>;
  /** All of those that match the filter and are wanted, for who expects few: they are kept in memory. */
  find(
    filter: DeadLetterFilter,
    isWanted: (letter: StoredDeadLetter) => boolean,
  ): Promise<readonly FoundDeadLetter[]>;
  replay(options: ReplayOptions): Promise<ReplayResult>;
}

export interface ReplayOptions extends Pick<
  ReplayDeadLettersOptions,
  'batchSize' | 'limit' | 'maxAttempts' | 'again' | 'signal' | 'onProgress'
> {
  readonly filter: DeadLetterFilter;
  /** Send nothing, and only count what would be sent. */
  readonly dryRun: boolean;
}

export async function openDeadLetters(env: Environment): Promise<DeadLetters> {
  const settings = readSettings(DEAD_LETTERS_ROLE, env);
  await withAdmin(settings.kafka, (admin) => checkTopics(admin, settings.kafka));
  const place: DeadLetterTopic = {
    kafka: createKafkaClient(settings.kafka, silentLogger()),
    topic: deadLetterTopicOf(settings.kafka),
    marksTopic: replayMarksTopicOf(settings.kafka),
    groupPrefix: settings.group.groupId,
  };
  const told = async <Result>(work: () => Promise<Result>): Promise<Result> => {
    try {
      return await work();
    } catch (error) {
      if (error instanceof OperatorError) throw error;
      throw kafkaFailed(settings.kafka, error);
    }
  };
  return {
    topic: place.topic,
    list: (filter, onLetter, signal) =>
      told(async () => {
        const isReplayed = await replayedSince(settings, place, filter.since);
        const onLetters = (letters: readonly StoredDeadLetter[]) => {
          for (const letter of letters) onLetter(letter, isReplayed(letter));
          return Promise.resolve();
        };
        await readDeadLetters(place, filter, onLetters, signal);
      }),
    find: (filter, isWanted) =>
      told(async () => {
        const found: StoredDeadLetter[] = [];
        await readDeadLetters(place, filter, (letters) => {
          found.push(...letters.filter(isWanted).map(detached));
          return Promise.resolve();
        });
        if (found.length === 0) return [];
        const oldest = found.reduce(
          (time, { writtenAt }) => Math.min(time, writtenAt),
          Number.POSITIVE_INFINITY,
        );
        const isReplayed = await replayedSince(settings, place, oldest);
        return found.map((letter) => ({ letter, isReplayed: isReplayed(letter) }));
      }),
    replay: (options) => told(() => replay(settings, place, options)),
  };
}

type DeadLettersSettings = Settings<typeof DEAD_LETTERS_ROLE>;

/** For letters that were written at this time or later. Nothing has been replayed where the topic is missing. */
const replayedSince = async (
  { kafka }: DeadLettersSettings,
  place: DeadLetterTopic,
  since: number | undefined,
) =>
  (await withAdmin(kafka, (admin) => topicExists(admin, place.marksTopic)))
    ? readReplayMarks(place, since)
    : () => false;

async function replay(
  settings: DeadLettersSettings,
  place: DeadLetterTopic,
  { filter, dryRun, ...options }: ReplayOptions,
): Promise<ReplayResult> {
  const { topic } = settings.kafka;
  const sourcePartitions = await withAdmin(settings.kafka, async (admin) => {
    if (!dryRun) await createTopics(admin, settings.kafka, settings.topics);
    return (await describeTopic(admin, topic))?.length ?? 0;
  });
  const run = (
    isReplayed: ReplayDeadLettersOptions['isReplayed'],
    producer: ReplayDeadLettersOptions['producer'],
  ) =>
    replayDeadLetters({
      ...options,
      ids: filter.ids,
      readLetters: (onLetters, signal) => readDeadLetters(place, filter, onLetters, signal),
      isReplayed,
      sourceTopic: topic,
      sourcePartitions,
      marksTopic: place.marksTopic,
      producer,
    });
  if (dryRun) return run(await replayedSince(settings, place, filter.since), undefined);
  const producer = createTransactionalProducer(place.kafka, `${place.topic}.replay`);
  try {
    // Before the marks are read: from now on no other run can add one, and what a killed run has left
    // open is ended.
    await producer.connect();
    return await run(await readReplayMarks(place, filter.since), producer);
  } finally {
    await producer.disconnect();
  }
}
