import { readSettings, type Environment } from '../config/read-settings.ts';
import { KAFKA_SETUP_ROLE } from '../config/roles.ts';
import { createTopics, withAdmin } from '../kafka/topics.ts';
import { STARTUP_WAIT_MS } from '../kafka/while-starting.ts';

/**
 * Creates the topics that are missing and returns their names. Waits for a cluster that is still
 * starting. Throws an OperatorError.
 *
 * @param onWait called once with the reason when it has to wait
 */
export async function setUpKafka(
  env: Environment,
  onWait: (reason: string) => void,
): Promise<readonly string[]> {
  const { kafka, topics } = readSettings(KAFKA_SETUP_ROLE, env);
  return withAdmin(kafka, (admin) =>
    createTopics(admin, kafka, topics, { timeoutMs: STARTUP_WAIT_MS, onWait }),
  );
}
