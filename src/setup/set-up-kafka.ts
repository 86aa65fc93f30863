import { readSettings, type Environment } from '../config/read-settings.ts';
import { KAFKA_SETUP_ROLE } from '../config/roles.ts';
import { createTopics, withAdmin } from '../kafka/topics.ts';

/** Makes the topics that are missing; answers with their names. Throws an OperatorError. */
export async function setUpKafka(env: Environment): Promise<readonly string[]> {
  const { kafka, topics } = readSettings(KAFKA_SETUP_ROLE, env);
  return withAdmin(kafka, (admin) => createTopics(admin, kafka, topics));
}
