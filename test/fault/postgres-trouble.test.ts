import { eventually } from '../support/eventually.ts';
import type { RunningProgram } from '../support/programs.ts';
import { useFaultWorld } from './harness/use-fault-world.ts';
import { expectNothingLost } from './harness/expect-nothing-lost.ts';
import type { FaultWorld } from './harness/world.ts';

const useWorld = useFaultWorld();
let world: FaultWorld;
beforeEach(() => {
  world = useWorld();
});

const sql = (text: string) => world.system.database.pool.query(text);

/** Waits until an activity is retried after a failure whose message matches. */
async function retriedAfter(reason: RegExp): Promise<void> {
  const [id = ''] = world.load.expected.keys();
  await eventually(async () => {
    const { raw } = await world.system.workflow(id).describe();
    expect(raw.pendingActivities?.[0]?.lastFailure?.message).toMatch(reason);
  });
}

test('a worker killed during a store leaves an order stored completely or not at all', async () => {
  const client = await world.system.database.pool.connect();
  let first: RunningProgram;
  try {
    await client.query('BEGIN; LOCK TABLE order_line_items IN EXCLUSIVE MODE');
    ({ worker: first } = await world.startPair());
    await world.load.sendOnly('good', 20);
    await eventually(async () => {
      const { rows } = await sql(
        "SELECT count(*)::int AS count FROM pg_stat_activity WHERE wait_event_type = 'Lock'",
      );
      expect((rows as { count: number }[])[0]?.count).toBeGreaterThan(0);
    });
    expect(await first.end('SIGKILL')).toBe('SIGKILL');
    await client.query('COMMIT');
  } finally {
    client.release();
  }
  await world.startWorker();
  await expectNothingLost(world);
});

test('orders wait while the disk of Postgres is full', async () => {
  await world.startPair();
  await sql(`
    CREATE FUNCTION disk_full() RETURNS trigger LANGUAGE plpgsql AS
      $$ BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = '53100'; END $$;
    CREATE TRIGGER disk_full BEFORE INSERT ON order_line_items EXECUTE FUNCTION disk_full()`);
  await world.load.sendOnly('good', 10);
  await retriedAfter(/SQLSTATE 53100/);
  await sql('DROP TRIGGER disk_full ON order_line_items');
  await expectNothingLost(world);
});

describe('with a dedicated database user', () => {
  let role: string;
  const workerEnv = () => {
    const url = new URL(world.system.workerEnv['DATABASE_URL'] ?? '');
    const [hostname = '', port = ''] = world.servers.links['worker-postgres'].address.split(':');
    Object.assign(url, { hostname, port, username: role, password: 'secret' });
    return { DATABASE_URL: url.href };
  };
  beforeEach(async () => {
    role = `worker_${world.system.database.schema}`;
    const { schema } = world.system.database;
    await sql(`CREATE ROLE ${role} LOGIN PASSWORD 'secret';
      GRANT USAGE ON SCHEMA ${schema} TO ${role};
      GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA ${schema} TO ${role}`);
  });
  afterEach(async () => {
    await sql(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '${role}'`);
    await sql(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
  });
  const endSessions = () =>
    sql(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '${role}'`);

  test('orders wait while Postgres has no free connection', async () => {
    await world.startPair({ worker: workerEnv() });
    await sql(`ALTER ROLE ${role} CONNECTION LIMIT 0`);
    await endSessions();
    await world.load.sendOnly('good', 10);
    await retriedAfter(/too many connections/);
    await sql(`ALTER ROLE ${role} CONNECTION LIMIT -1`);
    await expectNothingLost(world);
  });

  test('orders wait while Postgres is read-only', async () => {
    await world.startPair({ worker: workerEnv() });
    await sql(`ALTER ROLE ${role} SET default_transaction_read_only = on`);
    await endSessions();
    await world.load.sendOnly('good', 10);
    await retriedAfter(/SQLSTATE 25006/);
    await sql(`ALTER ROLE ${role} RESET default_transaction_read_only`);
    await endSessions();
    await expectNothingLost(world);
  });
});
