import { setTimeout as delay } from 'node:timers/promises';
import { PG_MIGRATE_LOCK_ID } from 'node-pg-migrate';
import type pg from 'pg';
import { OperatorError } from '../program/operator-error.ts';
import type { MigrationRun } from './run-migration.ts';
import { type Blockage, describeSession, findBlockage, findLockHolder } from './sessions.ts';
import { isDatabaseError } from './sql-state.ts';

/** How often to look whether another `setup` has ended. */
const LOCK_POLL_MS = 250;

const LOCK_NOT_AVAILABLE = '55P03';
const DEADLOCK_DETECTED = '40P01';

/**
 * Repeats `lock` until it has locked out other calls. Waiting in the server instead would hold a snapshot, for which
 * `CREATE INDEX CONCURRENTLY` in the other call would wait in turn.
 */
export async function untilLocked(
  { client, giveUpAfterMs, onWait }: Pick<MigrationRun, 'client' | 'giveUpAfterMs' | 'onWait'>,
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

export async function tryLock(
  client: pg.Client,
  lock: 'pg_try_advisory_lock' | 'pg_try_advisory_xact_lock',
): Promise<boolean> {
  const { rows } = await client.query<{ locked: boolean }>(`SELECT ${lock}($1) AS locked`, [
    PG_MIGRATE_LOCK_ID,
  ]);
  return rows[0]?.locked === true;
}

/** Reports from another connection what the client waits for. Best effort: a failure is ignored. */
export async function watchBlockage(
  { client, connect }: Pick<MigrationRun, 'client' | 'connect'>,
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

export const isLockProblem = (error: unknown): boolean =>
  isDatabaseError(error) && (error.code === LOCK_NOT_AVAILABLE || error.code === DEADLOCK_DETECTED);

const holders = (blockage: Blockage | undefined): string =>
  (blockage?.sessions ?? []).map(describeSession).join('; ');

/** What a migration does while it is blocked. */
export function describeBlockage(blockage: Blockage | undefined): string {
  const who = holders(blockage);
  return blockage?.table === undefined
    ? `waits for other transactions to end${who && `: ${who}`}`
    : `waits for the lock on "${blockage.table}"${who && `, held by ${who}`}`;
}

/** What a migration did not get. */
export function awaitedLock(blockage: Blockage | undefined): string {
  const lock = blockage?.table === undefined ? 'its locks' : `the lock on "${blockage.table}"`;
  const who = holders(blockage);
  return who === '' ? lock : `${lock}, held by ${who},`;
}

export function blocked(
  message: string,
  blockage: Blockage | undefined,
  cause?: unknown,
): OperatorError {
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

export const seconds = (ms: number): number => Math.round(ms / 100) / 10;
