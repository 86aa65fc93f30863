import { readSettings, type Environment, type Settings } from '../config/read-settings.ts';
import { DEAD_LETTERS_ROLE } from '../config/roles.ts';
import {
  createKafkaClient,
  deadLetterTopicOf,
  kafkaFailed,
  replayMarksTopicOf,
} from '../kafka/kafka-client.ts';
import { checkTopics, createTopics, withAdmin } from '../kafka/topics.ts';
import { createTransactionalProducer } from '../kafka/transactional-producer.ts';
import { OperatorError } from '../program/operator-error.ts';
import { silentLogger } from '../telemetry/logger.ts';
import { readDeadLetters, type DeadLetterPlace } from './read-dead-letters.ts';
import {
  replayDeadLetters,
  type ReplayDeadLettersOptions,
  type ReplayResult,
} from './replay-dead-letters.ts';
import { readReplayMarks } from './replay-marks.ts';
import type { DeadLetterFilter, StoredDeadLetter } from './stored-dead-letter.ts';

/** The dead letters of one topic, for the commands that people call. All throw OperatorErrors. */
export interface DeadLetters {
  readonly topic: string;
  /** Hands over those that match, each with whether it has been replayed. */
  list(
    filter: DeadLetterFilter,
    onLetter: (letter: StoredDeadLetter, isReplayed: boolean) => void,
    signal?: AbortSignal,
  ): Promise<void>;
  replay(options: ReplayOptions): Promise<ReplayResult>;
}

export type ReplayOptions = Omit<
  ReplayDeadLettersOptions,
  'place' | 'sourceTopic' | 'sourcePartitions' | 'producer'
>;

export async function openDeadLetters(env: Environment): Promise<DeadLetters> {
  const settings = readSettings(DEAD_LETTERS_ROLE, env);
  await withAdmin(settings.kafka, (admin) => checkTopics(admin, settings.kafka));
  const place: DeadLetterPlace = {
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
        const isReplayed = (await hasMarks(settings, place))
          ? await readReplayMarks(place)
          : () => false;
        const onLetters = (letters: readonly StoredDeadLetter[]) => {
          for (const letter of letters) onLetter(letter, isReplayed(letter));
          return Promise.resolve();
        };
        await readDeadLetters(place, filter, onLetters, signal);
      }),
    replay: (options) => told(() => replay(settings, place, options)),
  };
}

type DeadLettersSettings = Settings<typeof DEAD_LETTERS_ROLE>;

/** Nothing has been replayed where the topic is missing. */
const hasMarks = ({ kafka }: DeadLettersSettings, { marksTopic }: DeadLetterPlace) =>
  withAdmin(kafka, async (admin) => (await admin.listTopics()).includes(marksTopic));

async function replay(
  settings: DeadLettersSettings,
  place: DeadLetterPlace,
  options: ReplayOptions,
): Promise<ReplayResult> {
  const { topic } = settings.kafka;
  const sourcePartitions = await withAdmin(settings.kafka, async (admin) => {
    await createTopics(admin, settings.kafka, settings.topics);
    return (await admin.fetchTopicOffsets(topic)).length;
  });
  const producer = createTransactionalProducer(place.kafka, `${place.topic}.replay`);
  // First of all: this ends what an interrupted run has left open.
  await producer.connect();
  try {
    return await replayDeadLetters({
      ...options,
      place,
      sourceTopic: topic,
      sourcePartitions,
      producer,
    });
  } finally {
    await producer.disconnect();
  }
}
