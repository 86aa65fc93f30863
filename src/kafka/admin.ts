import type { Admin, Kafka, RetryOptions } from 'kafkajs';
import { OperatorError } from '../program/operator-error.ts';
import { silentLogger } from '../telemetry/logger.ts';
import { createKafkaClient, type KafkaSettings } from './kafka-client.ts';
import { kafkaError } from './kafka-error.ts';
import { duringFailover } from './while-starting.ts';

/**
 * Connects an admin client, runs `work` with it and disconnects. The connection is a new one each time,
 * so that it sees partitions that have been added since.
 */
export async function withAdmin<Result>(
  kafka: Kafka,
  work: (admin: Admin) => Promise<Result>,
): Promise<Result> {
  const admin = kafka.admin();
  try {
    await admin.connect();
    return await work(admin);
  } finally {
    await admin.disconnect();
  }
}

/** About a second for up to three bootstrap brokers: each of them is tried once. */
const failFast = ({ brokers }: KafkaSettings): RetryOptions => ({
  initialRetryTime: 200,
  maxRetryTime: 1000,
  retries: Math.max(2, brokers.length - 1),
});

/**
 * `withAdmin` for commands and start-up checks: gives up after a few attempts and logs nothing. Throws an
 * OperatorError when no broker can be reached, and when one rejects the request.
 *
 * If only a broker that the work needs is unreachable, the work is repeated until the cluster has had the
 * time to replace that broker. It must therefore be safe to repeat, and short.
 */
export async function withFailFastAdmin<Result>(
  settings: KafkaSettings,
  work: (admin: Admin) => Promise<Result>,
): Promise<Result> {
  return withLastingAdmin(settings, work, duringFailover);
}

/**
 * `withFailFastAdmin` for work that goes on for long. Only the requests within it can be repeated, which is up
 * to `work`.
 */
export async function withLastingAdmin<Result>(
  settings: KafkaSettings,
  work: (admin: Admin) => Promise<Result>,
  repeat: (attempt: () => Promise<Result>) => Promise<Result> = (attempt) => attempt(),
): Promise<Result> {
  try {
    const kafka = createKafkaClient(settings, silentLogger(), failFast(settings));
    return await repeat(() => withAdmin(kafka, work));
  } catch (error) {
    throw error instanceof OperatorError ? error : kafkaError(settings, error);
  }
}
