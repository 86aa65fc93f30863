import { readSettings, type Environment } from '../config/read-settings.ts';
import { DATABASE_SETUP_ROLE } from '../config/roles.ts';
import { describeError, OperatorError } from '../program/operator-error.ts';
import { migrate } from '../storage/migrate.ts';

/** Runs the migrations that are missing; answers with their names. Throws an OperatorError. */
export async function setUpDatabase(env: Environment): Promise<readonly string[]> {
  const { database } = readSettings(DATABASE_SETUP_ROLE, env);
  try {
    return await migrate(database.url, database.connectTimeoutMs);
  } catch (error) {
    if (error instanceof OperatorError) throw error;
    throw new OperatorError(
      `The database schema cannot be made: ${describeError(error)}`,
      'check DATABASE_URL, that the server runs, and that the user may create tables',
      { cause: error },
    );
  }
}
