import { Kafka, logLevel, type LogEntry, type RetryOptions } from 'kafkajs';
import type { kafkaSettings } from '../config/kafka-settings.ts';
import type { Values } from '../config/setting.ts';
import type { Logger } from '../telemetry/logger.ts';
import { RateLimitedLog } from '../telemetry/rate-limited-log.ts';
import { filterAbortedTransactions } from './patches/aborted-transactions.ts';
import { reportBrokerPoolErrors } from './patches/broker-pool-errors.ts';
import { registerCodecs } from './codecs.ts';
import { saslOptions } from './connection/sasl.ts';
import { checkTlsFiles, createSocketFactory } from './connection/tls.ts';
import { disableIdlePolling } from './patches/idle-connections.ts';
import { tolerateOfflinePartitions } from './patches/offline-partitions.ts';
import { reauthenticateInTime } from './patches/reauthentication.ts';
import { carryRecordHeaders } from './patches/record-headers.ts';

export type KafkaSettings = Values<typeof kafkaSettings>;

export type KafkaClient = Kafka;
export type KafkaAdmin = ReturnType<Kafka['admin']>;

const LONG_RUNNING: RetryOptions = { initialRetryTime: 300, maxRetryTime: 5000, retries: 8 };

/**
 * Creates a kafkajs client with the codecs and patches that order-ingest needs (see `codecs.ts` and
 * `patches/`), which logs through our logger. Throws an OperatorError for a certificate or key that cannot be
 * used.
 *
 * @param retry how kafkajs retries requests; by default for about 25 s, which outlasts a broker's restart
 */
export function createKafkaClient(
  settings: KafkaSettings,
  logger: Logger,
  retry: RetryOptions = LONG_RUNNING,
): Kafka {
  checkTlsFiles(settings);
  registerCodecs();
  filterAbortedTransactions();
  disableIdlePolling();
  carryRecordHeaders();
  tolerateOfflinePartitions();
  reportBrokerPoolErrors();
  reauthenticateInTime();
  return new Kafka({
    brokers: [...settings.brokers],
    clientId: settings.clientId,
    connectionTimeout: settings.connectTimeoutMs,
    authenticationTimeout: settings.authenticationTimeoutMs,
    requestTimeout: settings.requestTimeoutMs,
    socketFactory: createSocketFactory(settings),
    ssl: settings.ssl,
    ...saslOptions(settings),
    retry,
    logLevel: logLevel.INFO,
    logCreator: () => logThrough(logger),
  });
}

/**
 * A log function for kafkajs that writes to our logger. While brokers are down, kafkajs logs many failed
 * connection attempts per second.
 */
export function logThrough(logger: Logger): (entry: LogEntry) => void {
  const limited = new RateLimitedLog(logger);
  return ({ level, namespace, log }) => {
    const { message, ...context } = log;
    const ourLevel = LEVELS[level];
    const line = { ...context, ...NOT_LOGGED, event: 'kafka_client', namespace };
    if (ourLevel === 'warn') limited.write('warn', line, message, `${namespace} ${message}`);
    else logger[ourLevel](line, message);
  };
}

/** kafkajs's own timestamp and logger name, and the stacks of errors that it expects. */
const NOT_LOGGED = { timestamp: undefined, logger: undefined, stack: undefined };

/** One level lower than kafkajs's: most of what it calls errors it recovers from by itself. */
const LEVELS = {
  [logLevel.NOTHING]: 'trace',
  [logLevel.ERROR]: 'warn',
  [logLevel.WARN]: 'debug',
  [logLevel.INFO]: 'debug',
  [logLevel.DEBUG]: 'trace',
} as const;
