import { readSettings, type Environment } from '../../config/read-settings.ts';
import { DATABASE_SETUP_ROLE, KAFKA_SETUP_ROLE } from '../../config/roles.ts';
import { loadOrderModule } from '../../order-module/load-order-module.ts';
import { databaseError } from '../../postgres/database-error.ts';
import {
  grantsFor,
  READER_PRIVILEGES,
  WORKER_PRIVILEGES,
  type Privilege,
} from '../../postgres/privileges.ts';
import { migrate } from '../../postgres/migrate.ts';
import { readMigrations } from '../../postgres/migrations.ts';
import { createTopics } from '../../kafka/topics.ts';
import { withFailFastAdmin } from '../../kafka/admin.ts';
import { STARTUP_WAIT_MS } from '../../kafka/while-starting.ts';
import { connectTemporal, temporalTarget } from '../../temporal/connect.ts';
import { addSearchAttributes } from '../../temporal/search-attributes.ts';
import { temporalFailed } from '../../temporal/temporal-error.ts';

export interface SetupResult {
  /** The names of what was created. */
  readonly created: readonly string[];
  /** The SQL statements by which roles have got privileges. */
  readonly granted?: readonly string[];
  /** What remains for an operator to do. */
  readonly hints?: readonly string[];
}

/** Loads the order module, so that a fault in it is found before anything is changed. Throws an OperatorError. */
export async function checkOrderModule(env: Environment): Promise<void> {
  const { order } = readSettings({ order: DATABASE_SETUP_ROLE.order }, env);
  const { storage } = await loadOrderModule(order.module);
  readMigrations(storage.migrationsDir);
}

/**
 * Creates the topics that are missing. Waits for a cluster that is still starting. Throws an
 * OperatorError.
 *
 * @param onWait called once with the reason if it has to wait
 */
export async function setUpKafka(
  env: Environment,
  onWait: (reason: string) => void,
): Promise<SetupResult> {
  const { kafka, topics } = readSettings(KAFKA_SETUP_ROLE, env);
  const created: string[] = [];
  const wait = { timeoutMs: STARTUP_WAIT_MS, onWait };
  await withFailFastAdmin(kafka, (admin) =>
    createTopics(admin, kafka, topics, (topic) => created.push(topic), wait),
  );
  return { created };
}

/** Adds the search attributes that are missing. Throws an OperatorError. */
export async function setUpTemporal(env: Environment): Promise<SetupResult> {
  const target = temporalTarget(env);
  const client = await connectTemporal(target);
  try {
    return { created: await addSearchAttributes(client) };
  } catch (error) {
    throw temporalFailed(target, error);
  } finally {
    await client.connection.close();
  }
}

/**
 * Runs the migrations that have not been run, and grants the roles of the settings what they lack. Throws an
 * OperatorError.
 *
 * @param contract whether to run those that break older versions too
 * @param onWait called with the reason when a migration has to wait
 */
export async function setUpDatabase(
  env: Environment,
  contract: boolean,
  onWait: (reason: string) => void,
): Promise<SetupResult> {
  const { database, migration, databaseRoles, order } = readSettings(DATABASE_SETUP_ROLE, env);
  const { storage } = await loadOrderModule(order.module);
  try {
    const { ran, waiting, granted, schemaName } = await migrate(
      storage,
      database.url,
      database.connectTimeoutMs,
      { ...migration, contract, roles: databaseRoles, onWait },
    );
    const grants = (privileges: readonly Privilege[]) =>
      grantsFor(storage, schemaName, 'ROLE', privileges);
    return {
      created: ran,
      granted,
      hints: [
        ...waiting.map(
          ({ name, oldestVersion = '' }) =>
            `${name} breaks versions before ${oldestVersion}: once none is left, run \`order-ingest setup --only database --contract\``,
        ),
        ...(databaseRoles.worker === undefined
          ? [
              `a worker that uses its own role needs what \`setup\` grants to DATABASE_WORKER_ROLE: ${grants(WORKER_PRIVILEGES)};`,
            ]
          : []),
        ...(databaseRoles.reader === undefined
          ? [
              `a role for commands that only read needs what \`setup\` grants to DATABASE_READER_ROLE: ${grants(READER_PRIVILEGES)};`,
            ]
          : []),
      ],
    };
  } catch (error) {
    throw databaseError(
      'The database schema could not be changed',
      error,
      'check DATABASE_URL, that the server is running, and that the user may create tables',
    );
  }
}
