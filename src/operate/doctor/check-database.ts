import { readSettings, type Environment } from '../../config/read-settings.ts';
import { DATABASE_SETUP_ROLE } from '../../config/roles.ts';
import type { OrderStorage } from '../../contract/order-module.ts';
import { loadOrderModule } from '../../order-module/load-order-module.ts';
import { checkRole, neededByRole, type DatabaseRoles } from '../../postgres/grant-roles.ts';
import {
  checkPrivileges,
  quoteName,
  READER_PRIVILEGES,
  WORKER_PRIVILEGES,
} from '../../postgres/privileges.ts';
import { databaseError } from '../../postgres/database-error.ts';
import { createDatabasePool, type DatabasePool } from '../../postgres/database-pool.ts';
import {
  checkRequiredColumns,
  checkSchema,
  readSchemaVersion,
  setupFix,
} from '../../postgres/schema.ts';
import { readServerState, type ServerState } from '../../postgres/server-state.ts';
import { failed, fromError, ok, warning, type Finding } from './finding.ts';

/** A larger difference makes the timestamps of Kafka, Temporal and Postgres appear out of order. */
const CLOCK_TOLERANCE_MS = 2000;

/** Checks the server, the schema, the privilege to write, the pooler and the clock. Never throws. */
export async function checkDatabase(env: Environment): Promise<readonly Finding[]> {
  try {
    const { database, databaseRoles, order } = readSettings(DATABASE_SETUP_ROLE, env);
    // What is wrong with the module is a finding of its own; the tables depend on it.
    const storage = await loadOrderModule(order.module).then(
      (orderModule) => orderModule.storage,
      () => undefined,
    );
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
        ...(storage
          ? [
              await checkTables(pool, storage),
              await checkWriting(pool, state, storage, databaseRoles),
              ...(await checkRoles(pool, state, storage, databaseRoles)),
            ]
          : []),
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
    return await describeVersion(check, pool, storage);
  } catch (error) {
    const failure = databaseError('The tables cannot be read', error);
    return failed(check, failure.message, failure.fix);
  }
}

async function describeVersion(
  check: string,
  pool: DatabasePool,
  storage: OrderStorage,
): Promise<Finding> {
  const { latest, newer, waiting, isReadable } = await readSchemaVersion(pool, storage);
  if (!isReadable) {
    const lacking = await checkPrivileges(pool, storage, { privileges: [], complete: true }).catch(
      (error: unknown) => error,
    );
    return {
      ...fromError(check, lacking, 'grant SELECT on the table of migrations'),
      // The columns of the tables are those of this build.
      state: 'warning',
    };
  }
  if (waiting.length > 0) {
    return warning(
      check,
      `up to date: ${latest}; not run yet, because they break older versions: ${waiting.join(', ')}`,
      `once no worker of an older version is left, ${await setupFix(pool, storage, ' --contract')}`,
    );
  }
  return newer.length > 0
    ? ok(check, `${latest} and, of a newer version that this one works with, ${newer.join(', ')}`)
    : ok(check, `up to date: ${latest}`);
}

/** A worker needs both privileges. The role of DATABASE_READER_ROLE needs no INSERT. */
async function checkWriting(
  pool: DatabasePool,
  { isReadOnly, user }: ServerState,
  storage: OrderStorage,
  { reader }: DatabaseRoles,
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
    if (user === reader) {
      await checkPrivileges(pool, storage, { privileges: READER_PRIVILEGES });
      return ok(
        check,
        `user "${user}" may read; DATABASE_READER_ROLE names it, so it need not write`,
      );
    }
    await checkPrivileges(pool, storage, { privileges: WORKER_PRIVILEGES });
    return ok(check, `user "${user}" may insert`);
  } catch (error) {
    return fromError(check, error, 'check that the server is running');
  }
}

/** The roles that the settings name, but for the one that is connected. */
async function checkRoles(
  pool: DatabasePool,
  { user }: ServerState,
  storage: OrderStorage,
  roles: DatabaseRoles,
): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  for (const { role, privileges, setting } of neededByRole(roles)) {
    if (role === user) continue;
    const check = `Postgres: ${setting}`;
    try {
      await checkRole(pool, role, setting);
      await checkPrivileges(pool, storage, { role, privileges, complete: true });
      findings.push(ok(check, `role "${role}" has the privileges that it needs`));
    } catch (error) {
      findings.push(fromError(check, error, 'check that the server is running'));
    }
  }
  return findings;
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
