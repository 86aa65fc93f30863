import { readSettings, type Environment } from '../../config/read-settings.ts';
import { DATABASE_SETUP_ROLE } from '../../config/roles.ts';
import { ORDER_SCHEMA } from '../../order/sql/schema.ts';
import { checkRights, quoteName } from '../../postgres/rights.ts';
import { databaseError } from '../../postgres/database-error.ts';
import { createDatabasePool, type DatabasePool } from '../../postgres/database-pool.ts';
import { checkSchema, migrationNames } from '../../postgres/schema.ts';
import { readServerState, type ServerState } from '../../postgres/server-state.ts';
import { failed, fromError, ok, warning, type Finding } from './finding.ts';

/** Beyond this, times of Kafka, Temporal and Postgres contradict each other in people's eyes. */
const CLOCK_TOLERANCE_MS = 2000;

/** Looks at the server, the schema, the right to write, and the clock. Never throws. */
export async function checkDatabase(env: Environment): Promise<readonly Finding[]> {
  try {
    const { database } = readSettings(DATABASE_SETUP_ROLE, env);
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
        await checkTables(pool),
        await checkWriting(pool, state),
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

async function checkTables(pool: DatabasePool): Promise<Finding> {
  const check = 'Postgres: schema';
  try {
    await checkSchema(pool, ORDER_SCHEMA);
    return ok(check, `up to date: ${migrationNames(ORDER_SCHEMA).at(-1) ?? 'nothing'}`);
  } catch (error) {
    const failure = databaseError('the tables cannot be looked at', error);
    return failed(check, failure.message, failure.fix);
  }
}

/** A worker needs both rights; who only reads may ignore what this says of INSERT. */
async function checkWriting(
  pool: DatabasePool,
  { isReadOnly, user }: ServerState,
): Promise<Finding> {
  const check = 'Postgres: writing';
  if (isReadOnly) {
    return failed(
      check,
      'the server takes no writes: a standby, or read-only by its settings',
      'name the primary in DATABASE_URL, or take default_transaction_read_only back',
    );
  }
  try {
    await checkRights(pool, ORDER_SCHEMA.tables, ['SELECT', 'INSERT']);
    return ok(check, `user "${user}" may insert`);
  } catch (error) {
    return fromError(check, error, 'check that the server runs');
  }
}

/** A pooler is worth a line; that its statements have no timeout is worth a warning. */
function checkPooler(
  { isPooled }: DatabasePool,
  { statementTimeoutMs, user }: ServerState,
): readonly Finding[] {
  if (!isPooled) return [];
  const check = 'Postgres: pooler';
  return [
    statementTimeoutMs > 0
      ? ok(check, `in front of Postgres; a statement is given up after ${statementTimeoutMs} ms`)
      : warning(
          check,
          'in front of Postgres; statements have no timeout, and one that waits for a lock keeps its connection',
          `ALTER ROLE ${quoteName(user)} SET statement_timeout = '3s'`,
        ),
  ];
}

function checkClock(differenceMs: number): Finding {
  const check = 'Clock';
  const seconds = (Math.abs(differenceMs) / 1000).toFixed(1);
  const detail = `Postgres's is ${seconds} s ${differenceMs < 0 ? 'behind' : 'ahead of'} this machine's`;
  return Math.abs(differenceMs) <= CLOCK_TOLERANCE_MS
    ? ok(check, detail)
    : warning(check, detail, 'set the clocks by NTP, or times in logs and tables mislead');
}
