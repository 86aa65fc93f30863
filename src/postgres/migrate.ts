import { setTimeout as delay } from 'node:timers/promises';
import { PG_MIGRATE_LOCK_ID, runner } from 'node-pg-migrate';
import pRetry from 'p-retry';
import pg from 'pg';
import { OperatorError } from '../program/operator-error.ts';
import { checkSearchPath, isBehindPooler } from './database-pool.ts';
import { readMigrations, type Migration } from './migrations.ts';
import { checkSchemaUsage, quoteName } from './privileges.ts';
import { migrationsDone, type Schema } from './schema.ts';
import {
  APPLICATION_NAME,
  describeSession,
  findBlockage,
  findIndexBuilder,
  findLockHolder,
  findOlderSessions,
  type Blockage,
  sessionsStillBlocking,
} from './sessions.ts';
import { isDatabaseError } from './sql-state.ts';

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
  /** Called with the reason when a migration has to wait. */
  readonly onWait?: (reason: string) => void;
}

export interface MigrationReport {
  /** The names of the migrations that were run. */
  readonly ran: readonly string[];
  /** The migrations that wait for `contract`. */
  readonly waiting: readonly Migration[];
  /** The name of the Postgres schema that holds the tables. */
  readonly schemaName: string;
}

export const LOCK_TIMEOUT_MS = 500;
export const GIVE_UP_AFTER_MS = 120_000;

/** The pause after the first attempt, which doubles, and its upper limit. */
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 10_000;
/** How often to look whether another `setup` has ended. */
const LOCK_POLL_MS = 250;
/** How often to look what a statement outside a transaction waits for. */
const CONCURRENT_POLL_MS = 1000;

const LOCK_NOT_AVAILABLE = '55P03';
const DEADLOCK_DETECTED = '40P01';

/**
 * Runs the missing migrations, each in a transaction of its own, while the programs are running. Only one
 * call works at a time; another one waits. Throws an OperatorError when the user lacks a privilege, when the
 * search path names no schema, and when a migration does not get its locks.
 */
export async function migrate(
  schema: Schema,
  databaseUrl: string,
  connectTimeoutMs: number,
  options: MigrateOptions = {},
): Promise<MigrationReport> {
  const connect = async () => {
    const client = new pg.Client({
      connectionString: databaseUrl,
      application_name: APPLICATION_NAME,
      connectionTimeoutMillis: connectTimeoutMs,
      keepAlive: true,
    });
    // An error event between two queries would end the process; the next query reports the error anyway.
    client.on('error', () => undefined);
    await client.connect();
    return client;
  };
  const client = await connect();
  try {
    await checkSearchPath(client, databaseUrl);
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
      const hasRun =
        migration.concurrentIndex === undefined
          ? await runInTransaction(run, migration)
          : await runWithoutTransaction(run, migration, migration.concurrentIndex);
      if (hasRun) ran.push(migration.name);
    }
    const waiting = contract ? [] : missing.filter((migration) => migration.oldestVersion);
    return { ran, waiting, schemaName };
  } finally {
    await client.end();
  }
}

interface Run extends Required<Omit<MigrateOptions, 'contract'>> {
  readonly schema: Schema;
  readonly schemaName: string;
  readonly client: pg.Client;
  /** Opens another connection. */
  readonly connect: () => Promise<pg.Client>;
}

async function namesDone({ client, schema }: Run): Promise<readonly string[]> {
  const done = await migrationsDone(client, schema);
  // `checkMayMigrate` has made sure that it is readable.
  return done === 'not-readable' ? [] : done;
}

/**
 * Sessions are the only sign of an old version that Postgres has. A pooler may hide them, which is why
 * breaking migrations run on request only.
 */
async function checkOlderVersions(
  { client, schema }: Run,
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

/** Returns whether it has run the migration, and not a concurrent call. */
async function runInTransaction(run: Run, migration: Migration): Promise<boolean> {
  const { client, giveUpAfterMs, lockTimeoutMs, onWait } = run;
  let blockage: Blockage | undefined;
  let attempts = 0;
  const startedAt = performance.now();
  // Waiting for another `setup` has a limit of its own.
  let otherSetupMs = 0;
  const elapsedMs = () => performance.now() - startedAt - otherSetupMs;
  try {
    return await pRetry(
      async () => {
        const lockingAt = performance.now();
        // A pooler such as PgBouncer keeps a client on one session for a transaction only. A session-level
        // lock or setting could stay behind in a session that serves other clients.
        await untilLocked(run, async () => {
          await client.query('BEGIN');
          await applySettings(client, { lockTimeoutMs, isLocal: true });
          if (await tryLock(client, 'pg_try_advisory_xact_lock')) return true;
          await client.query('ROLLBACK');
          return false;
        });
        otherSetupMs += performance.now() - lockingAt;
        attempts += 1;
        const watch = await watchBlockage(run, lockTimeoutMs / 3, (seen) => (blockage = seen));
        try {
          return await apply(run, migration);
        } catch (error) {
          await watch.stop();
          await client.query('ROLLBACK').catch(() => undefined);
          // A session of an earlier attempt may do something else by now.
          if (isLockProblem(error)) blockage = await sessionsStillBlocking(client, blockage);
          throw error;
        } finally {
          await watch.stop();
        }
      },
      {
        retries: Number.POSITIVE_INFINITY,
        minTimeout: FIRST_PAUSE_MS,
        maxTimeout: LONGEST_PAUSE_MS,
        randomize: true,
        shouldRetry: ({ error }) => isLockProblem(error) && elapsedMs() < giveUpAfterMs,
        onFailedAttempt: ({ error }) => {
          if (isLockProblem(error)) onWait(`${migration.name} ${describeBlockage(blockage)}`);
        },
      },
    );
  } catch (error) {
    if (!isLockProblem(error)) throw error;
    throw blocked(
      `The migration ${migration.name} did not get ${awaitedLock(blockage)} in ${attempts} attempt${attempts === 1 ? '' : 's'} of ${lockTimeoutMs} ms over ${seconds(elapsedMs())} s. It was rolled back`,
      blockage,
      error,
    );
  }
}

/**
 * Runs a migration that is one statement outside a transaction. Needs a session of its own, because its
 * settings and its lock belong to the session.
 */
async function runWithoutTransaction(
  run: Run,
  migration: Migration,
  index: string,
): Promise<boolean> {
  const { client, giveUpAfterMs, onWait } = run;
  if (await isBehindPooler(client)) {
    throw new OperatorError(
      'DATABASE_SESSION_REQUIRED',
      `The migration ${migration.name} runs outside a transaction and needs a session of its own, but a pooler such as PgBouncer is in front of Postgres`,
      'run `order-ingest setup --only database` with the address of Postgres itself in DATABASE_URL',
    );
  }
  let blockage: Blockage | undefined;
  // It does not block inserts while it waits for other transactions to end, so it may wait for long.
  await applySettings(client, { lockTimeoutMs: giveUpAfterMs, isLocal: false });
  await untilLocked(run, () => tryLock(client, 'pg_try_advisory_lock'));
  const startedAt = performance.now();
  const watch = await watchBlockage(run, CONCURRENT_POLL_MS, (seen) => {
    const isNew = pidsOf(seen) !== pidsOf(blockage);
    blockage = seen;
    if (isNew) onWait(`${migration.name} ${describeBlockage(blockage)}`);
  });
  try {
    await untilIndexBuilt(run, migration, index);
    // `IF NOT EXISTS` would keep what an attempt that failed has left.
    if (await isInvalidIndex(client, index)) {
      onWait(`${migration.name} drops the invalid index "${index}" of an attempt that failed`);
      await client.query(`DROP INDEX CONCURRENTLY ${index}`);
    }
    return await apply(run, migration);
  } catch (error) {
    if (!isLockProblem(error)) throw error;
    throw blocked(
      `The migration ${migration.name} did not get ${awaitedLock(blockage)} within ${seconds(performance.now() - startedAt)} s. It may have left the invalid index "${index}", which the next attempt drops`,
      await sessionsStillBlocking(client, blockage),
      error,
    );
  } finally {
    await watch.stop();
    // If the connection is lost, so are the lock and the settings.
    const reset = `SELECT pg_advisory_unlock(${PG_MIGRATE_LOCK_ID}); RESET ALL`;
    await client.query(reset).catch(() => undefined);
  }
}

/** An index that somebody is building by hand is invalid until it is finished, and must not be dropped. */
async function untilIndexBuilt(
  { client, giveUpAfterMs, onWait }: Run,
  { name }: Migration,
  index: string,
): Promise<void> {
  const startedAt = performance.now();
  for (let isFirst = true; ; isFirst = false) {
    const builder = await findIndexBuilder(client, index);
    if (!builder) return;
    const blockage = { table: undefined, sessions: [builder] };
    if (isFirst) onWait(`${name} ${describeBlockage(blockage)}`);
    const elapsedMs = performance.now() - startedAt;
    if (elapsedMs >= giveUpAfterMs) {
      throw blocked(
        `The migration ${name} has waited ${seconds(elapsedMs)} s for another session to build the index "${index}": ${describeSession(builder)}`,
        blockage,
      );
    }
    await delay(CONCURRENT_POLL_MS);
  }
}

const seconds = (ms: number): number => Math.round(ms / 100) / 10;

const pidsOf = (blockage: Blockage | undefined) =>
  blockage?.sessions.map(({ pid }) => pid).join(',');

/** Returns whether it has run the migration; false if that has been done in the meantime. */
async function apply(
  { client, schema, schemaName }: Run,
  { name, file, sql, concurrentIndex }: Migration,
): Promise<boolean> {
  const ran = await runner({
    dbClient: client,
    dir: schema.migrationsDir,
    file: name,
    migrationsTable: schema.migrationsTable,
    migrationsSchema: schemaName,
    direction: 'up',
    // Contracts run late, and an older build does not know the last migrations.
    checkOrder: false,
    singleTransaction: concurrentIndex === undefined,
    noLock: true,
    log: () => undefined,
    migrationLoaderStrategies: [
      {
        extensions: ['.sql'],
        loader: (filePaths) =>
          Promise.resolve(
            filePaths.map((id) => ({
              id,
              filePaths: [id],
              actions: {
                up: (pgm) => {
                  if (id !== file) return;
                  if (concurrentIndex !== undefined) pgm.noTransaction();
                  pgm.sql(sql);
                },
              },
            })),
          ),
      },
    ],
  });
  if (concurrentIndex === undefined) await client.query('COMMIT');
  return ran.length > 0;
}

/**
 * A migration must not end with a timeout that the role has for its usual statements. If `setup` is killed,
 * the server stops working for it within a second. Not every platform supports this: elsewhere,
 * `client_connection_check_interval` must be 0.
 */
async function applySettings(
  client: pg.Client,
  { lockTimeoutMs, isLocal }: { readonly lockTimeoutMs: number; readonly isLocal: boolean },
): Promise<void> {
  await client.query(
    `SELECT set_config(name, value, $2)
     FROM (VALUES ('lock_timeout', $1), ('statement_timeout', '0'), ('transaction_timeout', '0'),
       ('idle_in_transaction_session_timeout', '0'), ('client_connection_check_interval', '1000')
     ) AS wanted (name, value)
     WHERE name IN (SELECT name FROM pg_settings)
       AND (name <> 'client_connection_check_interval' OR version() LIKE '%linux%')`,
    // 0 would mean no limit.
    [String(Math.max(1, lockTimeoutMs)), isLocal],
  );
}

/**
 * Repeats `lock` until it has locked out other calls. Waiting in the server instead would hold a snapshot, for which
 * `CREATE INDEX CONCURRENTLY` in the other call would wait in turn.
 */
async function untilLocked(
  { client, giveUpAfterMs, onWait }: Run,
  lock: () => Promise<boolean>,
): Promise<void> {
  const startedAt = performance.now();
  for (let attempt = 1; !(await lock()); attempt += 1) {
    const holder = await findLockHolder(client, PG_MIGRATE_LOCK_ID);
    const who = holder ? `: ${describeSession(holder)}` : '';
    if (attempt === 1) onWait(`another \`setup\` is running${who}`);
    const elapsedMs = performance.now() - startedAt;
    if (elapsedMs >= giveUpAfterMs) {
      throw new OperatorError(
        'DATABASE_MIGRATION_BLOCKED',
        `Another \`setup\` is still running after a wait of ${seconds(elapsedMs)} s${who}`,
        'wait for it to end, then run the command again',
      );
    }
    await delay(LOCK_POLL_MS);
  }
}

async function tryLock(
  client: pg.Client,
  lock: 'pg_try_advisory_lock' | 'pg_try_advisory_xact_lock',
): Promise<boolean> {
  const { rows } = await client.query<{ locked: boolean }>(`SELECT ${lock}($1) AS locked`, [
    PG_MIGRATE_LOCK_ID,
  ]);
  return rows[0]?.locked === true;
}

/** Reports from another connection what the client waits for. Best effort: a failure is ignored. */
async function watchBlockage(
  { client, connect }: Run,
  intervalMs: number,
  onBlocked: (blockage: Blockage) => void,
): Promise<{ stop(): Promise<void> }> {
  const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  const pid = rows[0]?.pid ?? 0;
  const stopping = new AbortController();
  const watch = async () => {
    await delay(intervalMs, undefined, { signal: stopping.signal });
    const observer = await connect();
    const end = () => void observer.end().catch(() => undefined);
    stopping.signal.addEventListener('abort', end);
    if (stopping.signal.aborted) end();
    for (;;) {
      const blockage = await findBlockage(observer, pid);
      if (blockage.sessions.length > 0) onBlocked(blockage);
      await delay(intervalMs, undefined, { signal: stopping.signal });
    }
  };
  const watching = watch().catch(() => undefined);
  return {
    async stop() {
      stopping.abort();
      await watching;
    },
  };
}

async function isInvalidIndex(client: pg.Client, index: string): Promise<boolean> {
  const { rowCount } = await client.query(
    'SELECT FROM pg_index WHERE indexrelid = to_regclass($1) AND NOT indisvalid',
    [index],
  );
  return rowCount === 1;
}

const isLockProblem = (error: unknown): boolean =>
  isDatabaseError(error) && (error.code === LOCK_NOT_AVAILABLE || error.code === DEADLOCK_DETECTED);

const holders = (blockage: Blockage | undefined): string =>
  (blockage?.sessions ?? []).map(describeSession).join('; ');

/** What a migration does while it is blocked. */
function describeBlockage(blockage: Blockage | undefined): string {
  const who = holders(blockage);
  return blockage?.table === undefined
    ? `waits for other transactions to end${who && `: ${who}`}`
    : `waits for the lock on "${blockage.table}"${who && `, held by ${who}`}`;
}

/** What a migration did not get. */
function awaitedLock(blockage: Blockage | undefined): string {
  const lock = blockage?.table === undefined ? 'its locks' : `the lock on "${blockage.table}"`;
  const who = holders(blockage);
  return who === '' ? lock : `${lock}, held by ${who},`;
}

function blocked(message: string, blockage: Blockage | undefined, cause?: unknown): OperatorError {
  const ends = blockage?.sessions
    .filter(({ pid }) => pid !== 0)
    .map(({ pid }) => `SELECT pg_terminate_backend(${pid})`);
  const end = ends && ends.length > 0 ? ` or end them with \`${ends.join('; ')}\`,` : '';
  return new OperatorError(
    'DATABASE_MIGRATION_BLOCKED',
    message,
    `wait for these transactions to end,${end} then run the command again`,
    { cause },
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
    may_read: boolean | null;
  }>(
    `SELECT current_user AS role, has_schema_privilege($1, 'CREATE') AS may_create,
       pg_get_userbyid(relowner) AS owner,
       pg_has_role(relowner, 'USAGE') OR has_table_privilege(pg_class.oid, 'SELECT') AS may_read
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
  if (state && state.owner !== null && !state.may_read) {
    throw new OperatorError(
      'DATABASE_RIGHT_MISSING',
      `The tables belong to "${state.owner}", so the user "${state.role}" cannot migrate them`,
      `run \`order-ingest setup\` as "${state.owner}"; a worker does not need to`,
    );
  }
}
