import type { Admin, Kafka } from 'kafkajs';
import { OperatorError } from '../program/operator-error.ts';
import { silentLogger } from '../telemetry/logger.ts';
import { createKafkaClient, type KafkaSettings } from './kafka-client.ts';
import { kafkaError } from './kafka-error.ts';

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

/** About a second, for commands whose user is waiting. */
const FAIL_FAST = { initialRetryTime: 200, retries: 2 };

/**
 * `withAdmin` for commands and start-up checks: gives up after a few attempts and logs nothing. Throws an
 * OperatorError when no broker can be reached, and when one refuses the request.
 */
export async function withFailFastAdmin<Result>(
  settings: KafkaSettings,
  work: (admin: Admin) => Promise<Result>,
): Promise<Result> {
  try {
    return await withAdmin(createKafkaClient(settings, silentLogger(), FAIL_FAST), work);
  } catch (error) {
    throw error instanceof OperatorError ? error : kafkaError(settings, error);
  }
}
