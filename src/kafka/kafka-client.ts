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
import type { ErrorCode } from '../program/error-codes.ts';
import { describeError, OperatorError } from '../program/operator-error.ts';
import type { Logger } from '../telemetry/logger.ts';
import { createLogRateLimit } from '../telemetry/log-rate-limit.ts';
import { filterAbortedTransactions } from './patches/aborted-transactions.ts';
import { reportBrokerPoolErrors } from './patches/broker-pool-errors.ts';
import { registerCodecs } from './codecs.ts';
import { disableIdlePolling } from './patches/idle-connections.ts';
import { errorChain, errorTypeOf } from './kafka-error.ts';
import {
  deniedResource,
  findMissingRights,
  grantCommand,
  MissingRightError,
  rightsText,
} from './missing-right.ts';
import { tolerateOfflinePartitions } from './patches/offline-partitions.ts';
import { PartitionOfflineError } from './producer.ts';
import { carryRecordHeaders } from './patches/record-headers.ts';
import { OFFLINE_REMEDY } from './topic-partitions.ts';
import { isWithoutCoordinator } from './while-starting.ts';

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

/** The error that an operator sees for a request to Kafka that failed: what is wrong and how to fix it. */
export function kafkaFailed(settings: KafkaSettings, error: unknown): OperatorError {
  const { brokers, saslUsername, saslMechanism } = settings;
  const kafka = `Kafka at ${brokers.join(',')}`;
  const reason = describeError(error);
  const failed = (code: ErrorCode, message: string, fix: string) =>
    new OperatorError(code, message, fix, { cause: error });
  const user = saslUsername === undefined ? 'this client' : `user "${saslUsername}"`;

  const rights = findMissingRights(error);
  if (rights.length > 0) {
    return failed(
      'KAFKA_RIGHT_MISSING',
      `${kafka} denies ${user} the right ${rightsText(rights)}`,
      `grant it: ${rights.map((right) => grantCommand(right, { brokers, user: saslUsername })).join(' and ')}; the table "Rights in Kafka" in docs/runbook.md has all that each program needs`,
    );
  }
  const denied = deniedResource(error);
  if (denied) {
    return failed(
      'KAFKA_RIGHT_MISSING',
      `${kafka} denies ${user} a right on a ${RESOURCE_NAMES[denied]}: ${reason}`,
      'compare its rights (kafka-acls --list) with the table "Rights in Kafka" in docs/runbook.md',
    );
  }
  if (isLoginFailure(error)) {
    return failed(
      'KAFKA_LOGIN_REJECTED',
      `${kafka} rejects the login of ${user}${saslMechanism ? ` by ${saslMechanism}` : ''}: ${reason}`,
      'correct KAFKA_SASL_MECHANISM, KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD',
    );
  }
  if (isWithoutCoordinator(error)) {
    return failed(
      'KAFKA_COORDINATOR_UNAVAILABLE',
      `${kafka} has no coordinator for the consumer group yet: ${reason}`,
      'try again in a minute if the cluster is new: it is still creating __consumer_offsets; otherwise check that as many brokers run as offsets.topic.replication.factor says, and that __consumer_offsets is online',
    );
  }
  if (errorTypeOf(error) === 'INCONSISTENT_GROUP_PROTOCOL') {
    return failed(
      'KAFKA_GROUP_INCOMPATIBLE',
      `${kafka} does not let the bridge join the consumer group: its members are not bridges (${reason})`,
      'give the bridges a KAFKA_GROUP_ID of their own, or stop the other members',
    );
  }
  if (errorChain(error).some((one) => one instanceof PartitionOfflineError)) {
    return failed(
      'KAFKA_PARTITION_OFFLINE',
      `${kafka} cannot take the messages: ${reason}`,
      OFFLINE_REMEDY,
    );
  }
  if (isLeaderless(error)) {
    return failed(
      'KAFKA_PARTITION_OFFLINE',
      `${kafka} has part of the topic offline: ${reason}`,
      OFFLINE_REMEDY,
    );
  }
  return isRefusal(error)
    ? failed('KAFKA_REQUEST_REFUSED', `${kafka} refused the request: ${reason}`, REFUSED_REMEDY)
    : failed('KAFKA_UNREACHABLE', `${kafka} cannot be reached: ${reason}`, UNREACHABLE_REMEDY);
}

const RESOURCE_NAMES = {
  topic: 'topic',
  group: 'consumer group',
  'transactional-id': 'transactional ID',
  cluster: 'cluster',
} as const;

/** Whether it is kafkajs's error, or one of ours about Kafka, that `kafkaFailed` explains. */
export const isKafkaError = (error: unknown): boolean =>
  error instanceof MissingRightError ||
  (error instanceof Error && error.name.startsWith('KafkaJS'));

/** Whether `kafkaFailed` knows more about it than that the broker refused or could not be reached. */
export const isExplained = (error: unknown): boolean =>
  deniedResource(error) !== undefined ||
  findMissingRights(error).length > 0 ||
  isLoginFailure(error) ||
  isWithoutCoordinator(error) ||
  errorTypeOf(error) === 'INCONSISTENT_GROUP_PROTOCOL';

const REFUSED_REMEDY = "correct the setting that it names, or the user's rights at the broker";
const UNREACHABLE_REMEDY = 'check KAFKA_BROKERS and that the broker runs';

const isLeaderless = (error: unknown): boolean => errorTypeOf(error) === 'LEADER_NOT_AVAILABLE';

/** Errors that a broker answered with; an aggregate of them has one for each topic. */
const isRefusal = (error: unknown): boolean => errorTypeOf(error) !== undefined;

const isLoginFailure = (error: unknown): boolean =>
  errorChain(error).some(({ name }) => name === 'KafkaJSSASLAuthenticationError') ||
  ['SASL_AUTHENTICATION_FAILED', 'UNSUPPORTED_SASL_MECHANISM', 'ILLEGAL_SASL_STATE'].includes(
    errorTypeOf(error) ?? '',
  );

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
