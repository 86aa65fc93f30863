import { readFileSync } from 'node:fs';
import { Kafka, logLevel, type KafkaConfig, type RetryOptions, type SASLOptions } from 'kafkajs';
import type { kafkaSettings } from '../config/kafka-settings.ts';
import type { Values } from '../config/setting.ts';
import { describeError, OperatorError } from '../program/operator-error.ts';
import type { Logger } from '../telemetry/logger.ts';
import { hideAbortedTransactions } from './aborted-transactions.ts';
import { registerCodecs } from './codecs.ts';
import { restIdleConnections } from './idle-connections.ts';
import { carryRecordHeaders } from './record-headers.ts';

export type KafkaSettings = Values<typeof kafkaSettings>;

export const deadLetterTopicOf = ({ topic, deadLetterTopic }: KafkaSettings): string =>
  deadLetterTopic ?? `${topic}.dead-letter`;

/**
 * The topic that says which dead letters have been replayed: a mark is written in one transaction
 * with the message itself, so that the one is there if and only if the other is.
 */
export const replayMarksTopicOf = (settings: KafkaSettings): string =>
  `${deadLetterTopicOf(settings)}.replayed`;

export type KafkaClient = Kafka;
export type KafkaAdmin = ReturnType<Kafka['admin']>;

/**
 * A client that reads every codec, carries every header, hides what was aborted, rests when idle and
 * logs through our logger.
 * Throws an OperatorError.
 */
export function createKafkaClient(
  settings: KafkaSettings,
  logger: Logger,
  retry: RetryOptions = PATIENT,
): Kafka {
  registerCodecs();
  hideAbortedTransactions();
  restIdleConnections();
  carryRecordHeaders();
  return new Kafka({
    brokers: [...settings.brokers],
    clientId: settings.clientId,
    connectionTimeout: settings.connectTimeoutMs,
    ssl: sslOptions(settings),
    ...saslOptions(settings),
    retry,
    logLevel: logLevel.INFO,
    logCreator: () => (entry) => {
      const { message, ...context } = entry.log;
      const line = { ...context, ...NOT_LOGGED, event: 'kafka_client', namespace: entry.namespace };
      logger[LEVELS[entry.level]](line, message);
    },
  });
}

/** Some 25 s, for programs that run for long: a broker's restart takes about that. */
const PATIENT: RetryOptions = { initialRetryTime: 300, maxRetryTime: 5000, retries: 8 };

/** What a person is told when Kafka could not be reached, or has refused a request. */
export function kafkaFailed({ brokers }: KafkaSettings, error: unknown): OperatorError {
  const kafka = `Kafka at ${brokers.join(',')}`;
  const reason = describeError(error);
  return isRefusal(error)
    ? new OperatorError(`${kafka} refused the request: ${reason}`, REFUSED_REMEDY, { cause: error })
    : new OperatorError(`${kafka} cannot be reached: ${reason}`, UNREACHABLE_REMEDY, {
        cause: error,
      });
}

const REFUSED_REMEDY = "correct the setting that it names, or the user's rights at the broker";
const UNREACHABLE_REMEDY = 'check KAFKA_BROKERS and that the broker runs';

/** Errors that a broker answered with; an aggregate of them has one for each topic. */
const isRefusal = (error: unknown): boolean =>
  error instanceof Error &&
  ['KafkaJSProtocolError', 'KafkaJSCreateTopicError', 'KafkaJSAggregateError'].includes(error.name);

/** kafkajs's own time stamp and logger's name, and stacks of errors that it expects. */
const NOT_LOGGED = { timestamp: undefined, logger: undefined, stack: undefined };

/** A level down: what kafkajs calls an error it mostly mends by itself. */
const LEVELS = {
  [logLevel.NOTHING]: 'trace',
  [logLevel.ERROR]: 'warn',
  [logLevel.WARN]: 'debug',
  [logLevel.INFO]: 'debug',
  [logLevel.DEBUG]: 'trace',
} as const;

function sslOptions({ ssl, sslCaFile }: KafkaSettings): NonNullable<KafkaConfig['ssl']> {
  if (!ssl || sslCaFile === undefined) return ssl;
  try {
    return { ca: readFileSync(sslCaFile, 'utf8') };
  } catch (error) {
    throw new OperatorError(
      `KAFKA_SSL_CA_FILE cannot be read: ${describeError(error)}`,
      'name a PEM file that this user may read',
      { cause: error },
    );
  }
}

function saslOptions(settings: KafkaSettings): { sasl?: SASLOptions } {
  const { saslMechanism: mechanism, saslUsername: username, saslPassword: password } = settings;
  if (mechanism === undefined) return {};
  if (username === undefined || password === undefined) {
    throw new OperatorError(
      'KAFKA_SASL_MECHANISM is set without a user name and a password',
      'set KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD',
    );
  }
  return { sasl: { mechanism, username, password } };
}
