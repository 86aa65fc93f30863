import { readSettings, type Environment } from '../../config/read-settings.ts';
import { DATABASE_SETUP_ROLE } from '../../config/roles.ts';
import type { OrderStorage } from '../../contract/order-module.ts';
import { loadOrderModule } from '../../order-module/load-order-module.ts';
import { checkPrivileges, quoteName } from '../../postgres/privileges.ts';
import { databaseError } from '../../postgres/database-error.ts';
import { createDatabasePool, type DatabasePool } from '../../postgres/database-pool.ts';
import {
  checkRequiredColumns,
  checkSchema,
  readSchemaVersion,
  type SchemaVersion,
} from '../../postgres/schema.ts';
import { readServerState, type ServerState } from '../../postgres/server-state.ts';
import { failed, fromError, ok, warning, type Finding } from './finding.ts';

/** A larger difference makes the timestamps of Kafka, Temporal and Postgres appear out of order. */
const CLOCK_TOLERANCE_MS = 2000;

/** Checks the server, the schema, the privilege to write, the pooler and the clock. Never throws. */
export async function checkDatabase(env: Environment): Promise<readonly Finding[]> {
  try {
    const { database, order } = readSettings(DATABASE_SETUP_ROLE, env);
    const { storage } = await loadOrderModule(order.module);
    const pool = createDatabasePool({
      ...database,
      maxConnections: 1,
      onIdleError: () => undefined,
    });
    try {
      await pool.query('SELECT');
      const askedAt = Date.now();
      const state = await readServerState(pool);
      const clockMs = state.nowMs - (askedAt + Date.now()) / 2;
      return [
        ok('Postgres', `${state.version}, database "${state.database}", schema "${state.schema}"`),
        await checkTables(pool, storage),
        await checkWriting(pool, state, storage),
        ...checkPooler(pool, state),
        checkClock(clockMs),
      ];
    } finally {
      await pool.end();
    }
  } catch (error) {
    const failure = databaseError('Postgres cannot be used', error);
    return [failed('Postgres', failure.message, failure.fix)];
  }
}

async function checkTables(pool: DatabasePool, storage: OrderStorage): Promise<Finding> {
  const check = 'Postgres: schema';
  try {
    await checkSchema(pool, storage);
    await checkRequiredColumns(pool, storage);
    return describeVersion(check, await readSchemaVersion(pool, storage));
  } catch (error) {
    const failure = databaseError('The tables cannot be read', error);
    return failed(check, failure.message, failure.fix);
  }
}

function describeVersion(check: string, { latest, newer, waiting }: SchemaVersion): Finding {
  if (waiting.length > 0) {
    return warning(
      check,
      `up to date: ${latest}; not run yet, because they break older versions: ${waiting.join(', ')}`,
      'once no worker of an older version is left, run `order-ingest setup --only database --contract`',
    );
  }
  return newer.length > 0
    ? ok(check, `${latest} and, of a newer version that this one works with, ${newer.join(', ')}`)
    : ok(check, `up to date: ${latest}`);
}

/** A worker needs both privileges. Users that only read can ignore a missing INSERT. */
async function checkWriting(
  pool: DatabasePool,
  { isReadOnly, user }: ServerState,
  { tables }: OrderStorage,
): Promise<Finding> {
  const check = 'Postgres: writing';
  if (isReadOnly) {
    return failed(
      check,
      'the server rejects writes: it is a standby, or default_transaction_read_only is on',
      'set DATABASE_URL to the primary, or turn default_transaction_read_only off',
    );
  }
  try {
    await checkPrivileges(pool, tables, ['SELECT', 'INSERT']);
    return ok(check, `user "${user}" may insert`);
  } catch (error) {
    return fromError(check, error, 'check that the server is running');
  }
}

/** Behind a pooler no timeout can be set for the session, so the role needs one. */
function checkPooler(
  { isPooled }: DatabasePool,
  { statementTimeoutMs, user }: ServerState,
): readonly Finding[] {
  if (!isPooled) return [];
  const check = 'Postgres: pooler';
  return [
    statementTimeoutMs > 0
      ? ok(check, `in front of Postgres; statements time out after ${statementTimeoutMs} ms`)
      : warning(
          check,
          'in front of Postgres; statements have no timeout, so one that waits for a lock holds its connection',
          `ALTER ROLE ${quoteName(user)} SET statement_timeout = '3s'`,
        ),
  ];
}

function checkClock(differenceMs: number): Finding {
  const check = 'Clock';
  const seconds = (Math.abs(differenceMs) / 1000).toFixed(1);
  const detail = `the clock of Postgres is ${seconds} s ${differenceMs < 0 ? 'behind' : 'ahead of'} this machine's`;
  return Math.abs(differenceMs) <= CLOCK_TOLERANCE_MS
    ? ok(check, detail)
    : warning(
        check,
        detail,
        'synchronize the clocks with NTP; until then, times in logs and tables cannot be compared',
      );
}
