import type pg from 'pg';
import { VERSION } from '../program/version.ts';
import { isOlderVersion } from './migrations.ts';

/** The name under which every session of this program appears in `pg_stat_activity`. */
export const APPLICATION_NAME = `order-ingest/${VERSION}`;

/** A session of the server. Postgres hides some of it from other users. */
export interface Session {
  readonly pid: number;
  readonly user: string | null;
  readonly application: string | null;
  /** Such as `idle in transaction`. */
  readonly state: string | null;
  /** How long its transaction has been open. */
  readonly openSeconds: number | null;
}

const SESSION_COLUMNS = `pid, usename AS "user", nullif(application_name, '') AS application, state,
  extract(epoch FROM clock_timestamp() - xact_start)::int AS "openSeconds"`;

/** `session 4711 (user "reports", psql, idle in transaction, open for 65 s)` */
export function describeSession({ pid, user, application, state, openSeconds }: Session): string {
  // pg_blocking_pids gives 0 for a prepared transaction, which has no session.
  if (pid === 0) return 'a prepared transaction (see pg_prepared_xacts)';
  const details = [
    user !== null && `user "${user}"`,
    application,
    state,
    openSeconds !== null && `open for ${openSeconds} s`,
  ].filter(Boolean);
  return `session ${pid}${details.length > 0 ? ` (${details.join(', ')})` : ''}`;
}

export interface Blockage {
  /** The table whose lock is awaited; undefined while waiting for other transactions to end. */
  readonly table: string | undefined;
  readonly sessions: readonly Session[];
}

/** Which sessions the session with this process ID waits for. Every user may ask. */
export async function findBlockage(client: pg.ClientBase, pid: number): Promise<Blockage> {
  const { rows } = await client.query<Session & { relation: string | null }>(
    `SELECT blocking_pid AS pid, "user", application, state, "openSeconds",
       (SELECT relname FROM pg_locks JOIN pg_class ON pg_class.oid = relation
        WHERE pid = $1 AND NOT granted LIMIT 1) AS relation
     FROM (SELECT DISTINCT unnest(pg_blocking_pids($1)) AS blocking_pid) AS blocking
     LEFT JOIN (SELECT ${SESSION_COLUMNS} FROM pg_stat_activity) AS activity ON pid = blocking_pid
     ORDER BY "openSeconds" DESC NULLS LAST, blocking_pid`,
    [pid],
  );
  return { table: rows[0]?.relation ?? undefined, sessions: rows };
}

/** The blockage without the sessions that hold no lock any more. */
export async function sessionsStillBlocking(
  client: pg.ClientBase,
  blockage: Blockage | undefined,
): Promise<Blockage | undefined> {
  if (!blockage) return undefined;
  const { table, sessions } = blockage;
  const { rows } = await client.query<{ pid: number }>(
    `SELECT DISTINCT pid FROM pg_locks LEFT JOIN pg_class ON pg_class.oid = relation
     WHERE granted AND pid = ANY ($1) AND ($2::text IS NULL OR relname = $2)`,
    [sessions.map(({ pid }) => pid), table],
  );
  const holding = new Set([0, ...rows.map(({ pid }) => pid)]);
  return { table, sessions: sessions.filter(({ pid }) => holding.has(pid)) };
}

/**
 * Another session that is building this index, or another one on the same table; undefined if there is none.
 * Postgres hides from other users which index it is, but not which table is locked.
 */
export async function findIndexBuilder(
  client: pg.ClientBase,
  index: string,
): Promise<Session | undefined> {
  const { rows } = await client.query<Session>(
    `SELECT ${SESSION_COLUMNS} FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND pid IN (
       SELECT pid FROM pg_stat_progress_create_index WHERE datname = current_database()
       INTERSECT
       SELECT pid FROM pg_locks JOIN pg_index ON indrelid = relation
       WHERE granted AND mode = 'ShareUpdateExclusiveLock'
         AND indexrelid = to_regclass($1) AND NOT indisvalid)`,
    [index],
  );
  return rows[0];
}

/** The session that holds this advisory lock in the current database; undefined if there is none. */
export async function findLockHolder(
  client: pg.ClientBase,
  advisoryLock: number,
): Promise<Session | undefined> {
  const { rows } = await client.query<Session>(
    `SELECT ${SESSION_COLUMNS} FROM pg_stat_activity WHERE pid IN (
       SELECT pid FROM pg_locks
       WHERE locktype = 'advisory' AND granted AND objsubid = 1
         AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
         AND (classid::bigint << 32) | objid::bigint = $1)`,
    [advisoryLock],
  );
  return rows[0];
}

/**
 * The sessions in the current database that belong to versions of this program before the given one. Postgres
 * does not show the schema of a session, but one whose user has no privilege on the tables belongs to another.
 */
export async function findOlderSessions(
  client: pg.ClientBase,
  version: string,
  tables: readonly string[],
): Promise<readonly Session[]> {
  const { rows } = await client.query<Session>(
    `SELECT ${SESSION_COLUMNS} FROM pg_stat_activity
     WHERE datname = current_database() AND application_name ~ '^order-ingest(/|$)'
       AND pid <> pg_backend_pid()
       AND EXISTS (
         SELECT FROM unnest($1::text[]) AS name
         WHERE has_any_column_privilege(usesysid, to_regclass(name), 'SELECT, INSERT'))
     ORDER BY pid`,
    [tables],
  );
  return rows.filter(({ application }) => {
    // Versions before 0.2.0 do not tell theirs.
    const [, running = '0.0.0'] = /^order-ingest(?:\/(.+))?$/.exec(application ?? '') ?? [];
    return isOlderVersion(running, version);
  });
}
