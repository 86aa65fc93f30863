import { readSettings, type Environment } from '../config/read-settings.ts';
import { DATABASE_SETUP_ROLE } from '../config/roles.ts';
import { createDatabasePool } from '../storage/database-pool.ts';
import { checkSchema, migrationsKnown } from '../storage/migrate.ts';
import { readServerState, type ServerState } from '../storage/server-state.ts';
import { failed, failedBy, ok, warning, type Finding } from './finding.ts';

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
        checkWriting(state),
        checkClock(clockMs),
      ];
    } finally {
      await pool.end();
    }
  } catch (error) {
    return [failedBy('Postgres', error, 'check DATABASE_URL and that the server runs')];
  }
}

async function checkTables(pool: ReturnType<typeof createDatabasePool>): Promise<Finding> {
  const check = 'Postgres: schema';
  try {
    await checkSchema(pool);
    return ok(check, `up to date: ${migrationsKnown().at(-1) ?? 'nothing'}`);
  } catch (error) {
    return failedBy(check, error, 'run `order-ingest setup --only database`');
  }
}

function checkWriting({ isReadOnly, mayInsert, user }: ServerState): Finding {
  const check = 'Postgres: writing';
  if (isReadOnly) {
    return failed(
      check,
      'the server takes no writes: a standby, or read-only by its settings',
      'name the primary in DATABASE_URL, or take default_transaction_read_only back',
    );
  }
  if (mayInsert === false) {
    return failed(
      check,
      `user "${user}" may not insert`,
      `GRANT SELECT, INSERT ON orders, order_line_items TO ${user}`,
    );
  }
  return ok(check, `user "${user}" may insert`);
}

function checkClock(differenceMs: number): Finding {
  const check = 'Clock';
  const seconds = (Math.abs(differenceMs) / 1000).toFixed(1);
  const detail = `Postgres's is ${seconds} s ${differenceMs < 0 ? 'behind' : 'ahead of'} this machine's`;
  return Math.abs(differenceMs) <= CLOCK_TOLERANCE_MS
    ? ok(check, detail)
    : warning(check, detail, 'set the clocks by NTP, or times in logs and tables mislead');
}
