import { readSettings, type Environment } from '../config/read-settings.ts';
import { KAFKA_SETUP_ROLE } from '../config/roles.ts';
import { createKafkaClient } from '../kafka/kafka-client.ts';
import { createTopics, withAdmin } from '../kafka/topics.ts';
import { createLogger } from '../telemetry/logger.ts';

/** Makes the topics that are missing; answers with their names. Throws an OperatorError. */
export async function setUpKafka(env: Environment): Promise<readonly string[]> {
  const { kafka, topics, logging } = readSettings(KAFKA_SETUP_ROLE, env);
  const client = createKafkaClient(kafka, createLogger({ ...logging, service: 'setup' }));
  return withAdmin(client, kafka, (admin) => createTopics(admin, kafka, topics));
}
