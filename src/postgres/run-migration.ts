import { setTimeout as delay } from 'node:timers/promises';
import { PG_MIGRATE_LOCK_ID, runner } from 'node-pg-migrate';
import pRetry from 'p-retry';
import type pg from 'pg';
import { counted } from '../program/counted.ts';
import { OperatorError } from '../program/operator-error.ts';
import { isBehindPooler } from './database-pool.ts';
import {
  awaitedLock,
  blocked,
  describeBlockage,
  isLockProblem,
  seconds,
  tryLock,
  untilLocked,
  watchBlockage,
} from './migration-lock.ts';
import type { Migration } from './migrations.ts';
import type { Schema } from './schema.ts';
import { isDatabaseError } from './sql-state.ts';
import {
  type Blockage,
  describeSession,
  findIndexBuilder,
  sessionsStillBlocking,
} from './sessions.ts';

/** The pause after the first attempt, which doubles, and its upper limit. */
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 10_000;
/** How often to look what a statement outside a transaction waits for. */
const CONCURRENT_POLL_MS = 1000;

/** What the migrations of one call have in common. */
export interface MigrationRun {
  readonly schema: Schema;
  readonly schemaName: string;
  readonly client: pg.Client;
  /** Opens another connection. */
  readonly connect: () => Promise<pg.Client>;
  /** See `MigrateOptions`. */
  readonly lockTimeoutMs: number;
  readonly giveUpAfterMs: number;
  readonly onWait: (reason: string) => void;
}

/** Runs one migration. Returns whether it has run it, and not a concurrent call. Throws an OperatorError. */
export async function runMigration(run: MigrationRun, migration: Migration): Promise<boolean> {
  try {
    return await (migration.concurrentIndex === undefined
      ? runInTransaction(run, migration)
      : runWithoutTransaction(run, migration, migration.concurrentIndex));
  } catch (error) {
    throw isFaultOfMigration(error) ? rejected(migration, error) : error;
  }
}

/**
 * Whether another attempt would fail the same way. The classes are those of the connection, rollbacks, resources,
 * locks, operators and the system; 42501 is insufficient_privilege.
 */
const isFaultOfMigration = (error: unknown): error is pg.DatabaseError =>
  isDatabaseError(error) &&
  !['08', '40', '53', '55', '57', '58'].includes((error.code ?? '').slice(0, 2)) &&
  error.code !== '42501';

function rejected(
  { file, sql, concurrentIndex }: Migration,
  error: pg.DatabaseError,
): OperatorError {
  const { message, code = 'unknown', position, hint } = error;
  // Postgres counts characters from 1.
  const before =
    position === undefined ? undefined : Array.from(sql).slice(0, Number(position) - 1);
  const lines = before?.join('').split('\n');
  const place =
    lines === undefined ? '' : `, line ${lines.length}, column ${(lines.at(-1) ?? '').length + 1}`;
  return new OperatorError(
    'DATABASE_MIGRATION_FAILED',
    `The migration ${file} failed: ${message} (SQLSTATE ${code}${place})${hint ? `; ${hint}` : ''}${concurrentIndex === undefined ? '. It was rolled back' : ''}`,
    'correct the migration, or the data that it does not fit, and run `order-ingest setup --only database`',
    { cause: error },
  );
}

async function runInTransaction(run: MigrationRun, migration: Migration): Promise<boolean> {
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
        await beginLocked(run);
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
      `The migration ${migration.name} did not get ${awaitedLock(blockage)} in ${counted(attempts, 'attempt')} of ${lockTimeoutMs} ms over ${seconds(elapsedMs())} s. It was rolled back`,
      blockage,
      error,
    );
  }
}

/**
 * Begins a transaction in which no other `setup` is working. A pooler such as PgBouncer keeps a client on one
 * session for a transaction only: a session-level lock or setting could stay behind in a session that serves
 * other clients.
 */
export async function beginLocked(run: MigrationRun): Promise<void> {
  const { client, lockTimeoutMs } = run;
  await untilLocked(run, async () => {
    await client.query('BEGIN');
    await applySettings(client, { lockTimeoutMs, isLocal: true });
    if (await tryLock(client, 'pg_try_advisory_xact_lock')) return true;
    await client.query('ROLLBACK');
    return false;
  });
}

/**
 * Runs a migration that is one statement outside a transaction. Needs a session of its own, because its
 * settings and its lock belong to the session.
 */
async function runWithoutTransaction(
  run: MigrationRun,
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
  { client, giveUpAfterMs, onWait }: MigrationRun,
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

const pidsOf = (blockage: Blockage | undefined) =>
  blockage?.sessions.map(({ pid }) => pid).join(',');

/** Returns whether it has run the migration; false if that has been done in the meantime. */
async function apply(
  { client, schema, schemaName }: MigrationRun,
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

async function isInvalidIndex(client: pg.Client, index: string): Promise<boolean> {
  const { rowCount } = await client.query(
    'SELECT FROM pg_index WHERE indexrelid = to_regclass($1) AND NOT indisvalid',
    [index],
  );
  return rowCount === 1;
}
