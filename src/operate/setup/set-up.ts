import { readSettings, type Environment } from '../../config/read-settings.ts';
import { DATABASE_SETUP_ROLE, KAFKA_SETUP_ROLE } from '../../config/roles.ts';
import { ORDER_SCHEMA } from '../../order/sql/schema.ts';
import { databaseError } from '../../postgres/database-error.ts';
import { grantsFor, type Right } from '../../postgres/rights.ts';
import { migrate } from '../../postgres/schema.ts';
import { createTopics, withAdmin } from '../../kafka/topics.ts';
import { STARTUP_WAIT_MS } from '../../kafka/while-starting.ts';
import { connectTemporal, temporalTarget } from '../../temporal/connect.ts';
import { addSearchAttributes } from '../../temporal/search-attributes.ts';
import { temporalFailed } from '../../temporal/temporal-error.ts';

export interface DatabaseSetup {
  /** The names of the migrations that were run. */
  readonly made: readonly string[];
  /** What roles other than the owner of the tables need. */
  readonly hints: readonly string[];
}

/** Runs the migrations that are missing. Throws an OperatorError. */
export async function setUpDatabase(env: Environment): Promise<DatabaseSetup> {
  const { database } = readSettings(DATABASE_SETUP_ROLE, env);
  try {
    const { ran, schemaName } = await migrate(
      ORDER_SCHEMA,
      database.url,
      database.connectTimeoutMs,
    );
    const grants = (...rights: Right[]) =>
      grantsFor(ORDER_SCHEMA.tables, schemaName, 'ROLE', rights);
    return {
      made: ran,
      hints: [
        `a worker with a role of its own needs: ${grants('SELECT', 'INSERT')};`,
        `a role for the commands that only read: ${grants('SELECT')};`,
      ],
    };
  } catch (error) {
    throw databaseError(
      'The database schema cannot be made',
      error,
      'check DATABASE_URL, that the server runs, and that the user may create tables',
    );
  }
}

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

/** Adds the search attributes that are missing; answers with their names. Throws an OperatorError. */
export async function setUpTemporal(env: Environment): Promise<readonly string[]> {
  const target = temporalTarget(env);
  const client = await connectTemporal(target);
  try {
    return await addSearchAttributes(client);
  } catch (error) {
    throw temporalFailed(target, error);
  } finally {
    await client.connection.close();
  }
}
