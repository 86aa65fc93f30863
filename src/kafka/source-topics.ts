import { OperatorError } from '../program/operator-error.ts';
import type { KafkaSettings } from './kafka-client.ts';

/** The topics of `KAFKA_TOPIC`. */
interface Topics {
  readonly topics: readonly string[];
}

/** Where the dead letters of a topic go. By default each topic has its own; one that is set is for all. */
export const deadLetterTopicOf = (
  { deadLetterTopic }: Pick<KafkaSettings, 'deadLetterTopic'>,
  topic: string,
): string => deadLetterTopic ?? `${topic}.dead-letter`;

/**
 * The topic of the marks that say which dead letters have been requeued. A mark is written in one
 * transaction with the message itself, so that either both exist or neither does. The name dates from when
 * the command was called replay; it must not change.
 */
export const requeueMarksTopicOf = (deadLetterTopic: string): string =>
  `${deadLetterTopic}.replayed`;

/** The topic to which a position without a topic refers. Throws an OperatorError that names the choices. */
export function chooseTopic({ topics }: Topics, requested: string | undefined): string {
  const [topic, ...others] = chooseTopics({ topics }, requested);
  if (topic !== undefined && others.length === 0) return topic;
  throw new OperatorError(
    'TOPIC_REQUIRED',
    `KAFKA_TOPIC lists several topics: ${quoted(topics)}`,
    'choose one of them with --topic',
  );
}

/** The requested topic, or all of them. Throws an OperatorError if it is not one of `KAFKA_TOPIC`. */
export function chooseTopics({ topics }: Topics, requested: string | undefined): readonly string[] {
  if (requested === undefined) return topics;
  if (topics.includes(requested)) return [requested];
  throw new OperatorError(
    'TOPIC_UNKNOWN',
    `"${requested}" is not a topic of KAFKA_TOPIC, which lists ${quoted(topics)}`,
    'choose one of these, or correct KAFKA_TOPIC',
  );
}

/** Such as `"orders-eu", "orders-us"`. */
export const quoted = (topics: readonly string[]): string =>
  topics.map((topic) => `"${topic}"`).join(', ');
