import { readFileSync } from 'node:fs';
import {
  Kafka,
  logLevel,
  type KafkaConfig,
  type LogEntry,
  type RetryOptions,
  type SASLOptions,
} from 'kafkajs';
import type { kafkaSettings } from '../config/kafka-settings.ts';
import type { Values } from '../config/setting.ts';
import { describeError, OperatorError } from '../program/operator-error.ts';
import type { Logger } from '../telemetry/logger.ts';
import { createLogRateLimit } from '../telemetry/log-rate-limit.ts';
import { filterAbortedTransactions } from './patches/aborted-transactions.ts';
import { reportBrokerPoolErrors } from './patches/broker-pool-errors.ts';
import { registerCodecs } from './codecs.ts';
import { disableIdlePolling } from './patches/idle-connections.ts';
import { tolerateOfflinePartitions } from './patches/offline-partitions.ts';
import { carryRecordHeaders } from './patches/record-headers.ts';

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
 * A client that reads every codec, carries every header, hides what was aborted, rests when idle, works
 * while some partitions are offline and logs through our logger.
 * Throws an OperatorError.
 */
export function createKafkaClient(
  settings: KafkaSettings,
  logger: Logger,
  retry: RetryOptions = PATIENT,
): Kafka {
  registerCodecs();
  filterAbortedTransactions();
  disableIdlePolling();
  carryRecordHeaders();
  tolerateOfflinePartitions();
  reportBrokerPoolErrors();
  return new Kafka({
    brokers: [...settings.brokers],
    clientId: settings.clientId,
    connectionTimeout: settings.connectTimeoutMs,
    ssl: sslOptions(settings),
    ...saslOptions(settings),
    retry,
    logLevel: logLevel.INFO,
    logCreator: () => logThrough(logger),
  });
}

/**
 * kafkajs logs each attempt of each connection, of which there are many a second while brokers are down:
 * the same line appears once a minute. With LOG_LEVEL=debug all of them appear.
 */
export function logThrough(logger: Logger): (entry: LogEntry) => void {
  const limit = createLogRateLimit();
  return ({ level, namespace, log }) => {
    const { message, ...context } = log;
    const ours = LEVELS[level];
    const line = { ...context, ...NOT_LOGGED, event: 'kafka_client', namespace };
    if (ours !== 'warn' || logger.isLevelEnabled('debug')) {
      logger[ours](line, message);
      return;
    }
    const leftOut = limit.admit(`${namespace} ${message}`);
    if (leftOut !== undefined) logger[ours](leftOut > 0 ? { ...line, leftOut } : line, message);
  };
}

/** Some 25 s, for programs that run for long: a broker's restart takes about that. */
const PATIENT: RetryOptions = { initialRetryTime: 300, maxRetryTime: 5000, retries: 8 };

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
      'FILE_UNREADABLE',
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
      'SETTINGS_INVALID',
      'KAFKA_SASL_MECHANISM is set without a user name and a password',
      'set KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD',
    );
  }
  return { sasl: { mechanism, username, password } };
}
