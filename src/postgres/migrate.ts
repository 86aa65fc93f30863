import type pg from 'pg';
import { OperatorError } from '../program/operator-error.ts';
import { createConnector, type ConnectOptions } from './connect.ts';
import { checkSearchPath } from './database-pool.ts';
import { grantRoles, type DatabaseRoles } from './grant-roles.ts';
import { readMigrations, type Migration } from './migrations.ts';
import { checkSchemaUsage, quoteName } from './privileges.ts';
import { runMigration, type MigrationRun } from './run-migration.ts';
import { migrationsDone, type Schema } from './schema.ts';
import { describeSession, findOlderSessions } from './sessions.ts';

export interface MigrateOptions {
  /** Whether to run the migrations that break older versions too. */
  readonly contract?: boolean;
  /**
   * How long one attempt waits for a lock. While it waits, all inserts into the table wait behind it, so it
   * must be short.
   */
  readonly lockTimeoutMs?: number;
  /** How long to repeat attempts, and to wait for another `setup`. */
  readonly giveUpAfterMs?: number;
  /** The roles to grant what they need. */
  readonly roles?: DatabaseRoles;
  /** Called with the reason when a migration has to wait. */
  readonly onWait?: (reason: string) => void;
}

export interface MigrationReport {
  /** The names of the migrations that were run. */
  readonly ran: readonly string[];
  /** The migrations that wait for `contract`. */
  readonly waiting: readonly Migration[];
  /** The statements by which roles have got privileges that they lacked. */
  readonly granted: readonly string[];
  /** The name of the Postgres schema that holds the tables. */
  readonly schemaName: string;
}

export const LOCK_TIMEOUT_MS = 500;
export const GIVE_UP_AFTER_MS = 120_000;

/**
 * Runs the missing migrations, each in a transaction of its own, while the programs are running. Only one
 * call works at a time; another one waits. Throws an OperatorError when the user lacks a privilege, when the
 * search path names no schema, and when a migration does not get its locks.
 */
export async function migrate(
  schema: Schema,
  databaseUrl: ConnectOptions['url'],
  connectTimeoutMs: number,
  options: MigrateOptions = {},
): Promise<MigrationReport> {
  const connectAnywhere = createConnector({ url: databaseUrl, connectTimeoutMs });
  const connect = async () => {
    const { client, url } = await connectAnywhere();
    try {
      await checkSearchPath(client, url);
      return client;
    } catch (error) {
      await client.end();
      throw error;
    }
  };
  const client = await connect();
  try {
    await checkSchemaUsage(client);
    const schemaName = await currentSchema(client);
    await checkMayMigrate(client, schemaName, schema.migrationsTable);
    const run = {
      schema,
      schemaName,
      client,
      connect,
      lockTimeoutMs: options.lockTimeoutMs ?? LOCK_TIMEOUT_MS,
      giveUpAfterMs: options.giveUpAfterMs ?? GIVE_UP_AFTER_MS,
      onWait: options.onWait ?? (() => undefined),
    };
    const done = await namesDone(run);
    const missing = readMigrations(schema.migrationsDir).filter(({ name }) => !done.includes(name));
    // An empty database has no older versions.
    const contract = options.contract === true || done.length === 0;
    const ran: string[] = [];
    for (const migration of missing) {
      if (migration.oldestVersion !== undefined && !contract) continue;
      // Whatever is connected to an empty database belongs to another schema.
      if (done.length > 0) await checkOlderVersions(run, migration);
      const hasRun = await runMigration(run, migration);
      if (hasRun) ran.push(migration.name);
    }
    const waiting = contract ? [] : missing.filter((migration) => migration.oldestVersion);
    const granted = await grantRoles(run, options.roles ?? {});
    return { ran, waiting, granted, schemaName };
  } finally {
    await client.end();
  }
}

async function namesDone({ client, schema }: MigrationRun): Promise<readonly string[]> {
  const done = await migrationsDone(client, schema);
  // `checkMayMigrate` has made sure that it is readable.
  return done === 'not-readable' ? [] : done;
}

/**
 * Sessions are the only sign of an old version that Postgres has. A pooler may hide them, which is why
 * breaking migrations run on request only.
 */
async function checkOlderVersions(
  { client, schema }: MigrationRun,
  { name, oldestVersion }: Migration,
): Promise<void> {
  if (oldestVersion === undefined) return;
  const sessions = await findOlderSessions(client, oldestVersion, Object.keys(schema.tables));
  if (sessions.length === 0) return;
  throw new OperatorError(
    'DATABASE_OLD_VERSION_CONNECTED',
    `The migration ${name} breaks versions before ${oldestVersion}, and ${sessions.length === 1 ? 'one is' : `${sessions.length} sessions of such versions are`} connected: ${sessions.map(describeSession).join('; ')}`,
    'stop the old workers and run the command again. Postgres does not show the schema of a session: workers of an installation in another schema of this database count, too, if their user has privileges on these tables',
  );
}

async function currentSchema(client: pg.Client): Promise<string> {
  const { rows } = await client.query<{ schema: string | null }>('SELECT current_schema AS schema');
  const schemaName = rows[0]?.schema;
  if (schemaName) return schemaName;
  throw new OperatorError(
    'DATABASE_SCHEMA_MISSING',
    'None of the schemas in the search path of DATABASE_URL exists',
    'create the schema, or remove `options=-csearch_path%3D…` from DATABASE_URL',
  );
}

/** Without this check, a missing privilege would surface as node-pg-migrate's stack trace. */
async function checkMayMigrate(
  client: pg.Client,
  schemaName: string,
  migrationsTable: string,
): Promise<void> {
  const { rows } = await client.query<{
    role: string;
    may_create: boolean;
    owner: string | null;
    may_record: boolean | null;
  }>(
    `SELECT current_user AS role, has_schema_privilege($1, 'CREATE') AS may_create,
       pg_get_userbyid(relowner) AS owner,
       pg_has_role(relowner, 'USAGE') OR has_table_privilege(pg_class.oid, 'INSERT') AS may_record
     FROM (SELECT to_regclass($2) AS migrations) AS named
     LEFT JOIN pg_class ON pg_class.oid = migrations`,
    [schemaName, `${quoteName(schemaName)}.${migrationsTable}`],
  );
  const [state] = rows;
  if (state && state.owner === null && !state.may_create) {
    throw new OperatorError(
      'DATABASE_RIGHT_MISSING',
      `The user "${state.role}" may not create tables in the schema "${schemaName}"`,
      `GRANT CREATE ON SCHEMA ${quoteName(schemaName)} TO ${quoteName(state.role)}`,
    );
  }
  if (state && state.owner !== null && !state.may_record) {
    throw new OperatorError(
      'DATABASE_RIGHT_MISSING',
      `The tables belong to "${state.owner}", so the user "${state.role}" cannot migrate them`,
      `run \`order-ingest setup\` as "${state.owner}"; a worker does not need to`,
    );
  }
}
