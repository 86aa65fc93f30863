import { readSettings, type Environment } from '../config/read-settings.ts';
import { DATABASE_SETUP_ROLE } from '../config/roles.ts';
import { grantsFor } from '../storage/check-rights.ts';
import { databaseFailed } from '../storage/database-failed.ts';
import { migrate } from '../storage/migrate.ts';

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
    const { ran, schema } = await migrate(database.url, database.connectTimeoutMs);
    return {
      made: ran,
      hints: [
        `a worker with a role of its own needs: ${grantsFor(schema, 'ROLE', ['SELECT', 'INSERT'])};`,
        `a role for the commands that only read: ${grantsFor(schema, 'ROLE', ['SELECT'])};`,
      ],
    };
  } catch (error) {
    throw databaseFailed(
      'The database schema cannot be made',
      error,
      'check DATABASE_URL, that the server runs, and that the user may create tables',
    );
  }
}
