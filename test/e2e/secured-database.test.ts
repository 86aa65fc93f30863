import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DATABASE_ROLES, type DatabaseRole } from '../../dev/stack/secured-postgres.ts';
import { eventually } from '../support/eventually.ts';
import { orderText } from '../support/messages.ts';
import { runCli, startProgram, type LogEvent, type RunningProgram } from '../support/programs.ts';
import { startSecuredPostgres, type SecuredPostgres } from '../support/secured-postgres.ts';
import { createTestSystem, type TestSystem } from '../support/system.ts';

/** The whole system on a Postgres with TLS: `setup` by the owner, workers and tools with the least privileges. */
let server: SecuredPostgres;
let system: TestSystem;
let dir: string;
let secretFile: string;
beforeAll(async () => {
  server = await startSecuredPostgres();
  dir = mkdtempSync(path.join(tmpdir(), 'secured-database-'));
  secretFile = path.join(dir, 'database-url');
  const ca = path.join(server.certificates, 'ca.crt');
  system = await createTestSystem({
    databaseUrl: server.url({ parameters: { sslmode: 'verify-full', sslrootcert: ca } }),
  });
  const { stdout, exitCode } = await runCli(['setup', '--only', 'database', '--json'], {
    ...envOf('owner'),
    DATABASE_WORKER_ROLE: 'worker',
    DATABASE_READER_ROLE: 'reader',
  });
  expect(exitCode).toBe(0);
  expect(stdout).toContain('GRANT SELECT, INSERT ON orders TO worker');
});
afterAll(async () => {
  await system.close();
  await server.remove();
  rmSync(dir, { recursive: true });
});

function urlOf(role: DatabaseRole, password: string = DATABASE_ROLES[role], ca = 'ca.crt'): string {
  return server.url({
    role,
    password,
    parameters: {
      sslmode: 'verify-full',
      sslrootcert: path.isAbsolute(ca) ? ca : path.join(server.certificates, ca),
      options: `-csearch_path=${system.database.schema}`,
    },
  });
}

const envOf = (role: DatabaseRole) => ({
  ...system.bridgeEnv,
  ...system.workerEnv,
  DATABASE_URL: urlOf(role),
});

/** The findings about Postgres that are not ok. */
async function doctor(env: Readonly<Record<string, string>>) {
  const { stdout } = await runCli(['doctor', '--json'], env);
  return stdout
    .split('\n')
    .map((line) => JSON.parse(line) as { check: string; state: string; remedy?: string })
    .filter(({ check, state }) => check.startsWith('Postgres') && state !== 'ok');
}

const caFile = (name: string) => readFileSync(path.join(server.certificates, name), 'utf8');

const sendOrders = (prefix: string, count: number) =>
  system.topic.send(
    Array.from({ length: count }, (_, n) => `${prefix}-${n}`).map((id) => ({
      key: id,
      value: orderText(id),
    })),
  );

/** An order whose attempts have failed for a while is tried again after a pause of up to a minute. */
const allStored = (count: number) =>
  eventually(async () => {
    expect(await system.storedOrderIds()).toHaveLength(count);
  });

test('the system runs with a worker role and a reader role', async () => {
  const worker = await system.startWorker({ DATABASE_URL: urlOf('worker') });
  const bridge = await system.startBridge();
  await sendOrders('first', 5);
  await allStored(5);
  await system.allCommitted();
  expect((await worker.http('GET', '/readyz')).status).toBe(200);
  for (const args of [['orders', 'show', 'first-0'], ['reconcile']]) {
    const { exitCode, stderr } = await runCli(args, envOf('reader'));
    expect({ args, exitCode, stderr }).toEqual({ args, exitCode: 0, stderr: expect.anything() });
  }
  // What it finds about both roles is that they lack nothing.
  const roles = { DATABASE_WORKER_ROLE: 'worker', DATABASE_READER_ROLE: 'reader' };
  expect(await doctor({ ...envOf('reader'), ...roles })).toEqual([]);
  for (const program of [worker, bridge]) expect(await program.end('SIGTERM')).toBe(0);
});

test('one privilege less is named by the worker and by doctor, with who may grant it', async () => {
  const { schema } = system.database;
  const object = `${schema}.order_line_items`;
  await server.query(`REVOKE INSERT ON ${object} FROM worker`);
  try {
    const { exitCode, stderr } = await runCli(['worker'], envOf('worker'));
    expect(exitCode).toBe(1);
    expect(stderr).toContain('DATABASE_RIGHT_MISSING');
    expect(stderr).toContain('run as "owner": GRANT INSERT ON order_line_items TO worker');
    const missing = {
      state: 'failed',
      remedy: expect.stringContaining('GRANT INSERT ON order_line'),
    };
    expect(await doctor(envOf('worker'))).toMatchObject([
      { check: 'Postgres: writing', ...missing },
    ]);
    expect(await doctor({ ...envOf('owner'), DATABASE_WORKER_ROLE: 'worker' })).toMatchObject([
      { check: 'Postgres: DATABASE_WORKER_ROLE', ...missing },
    ]);
  } finally {
    await server.query(`GRANT INSERT ON ${object} TO worker`);
  }
  await server.query(`REVOKE SELECT ON ${schema}.order_ingest_migrations FROM worker`);
  try {
    expect(await doctor(envOf('worker'))).toMatchObject([
      { state: 'warning', remedy: expect.stringContaining('GRANT SELECT ON order_ingest_migr') },
    ]);
  } finally {
    await server.query(`GRANT SELECT ON ${schema}.order_ingest_migrations TO worker`);
  }
});

describe('under load and without a restart', () => {
  let worker: RunningProgram;
  let ca: string;
  let sent = 0;
  beforeAll(async () => {
    ca = path.join(dir, 'ca.crt');
    writeFileSync(ca, caFile('ca.crt'));
    writeFileSync(secretFile, urlOf('worker', undefined, ca));
    worker = await startProgram('worker', {
      ...system.workerEnv,
      DATABASE_URL: '',
      DATABASE_URL_FILE: secretFile,
    });
    await system.startBridge();
    sent = (await system.storedOrderIds()).length;
  });
  afterAll(() => worker.end('SIGKILL'));

  /** Keeps sending orders while `change` makes new connections fail and `recover` makes them succeed. */
  async function whileOrdersArrive(
    change: () => Promise<void>,
    recover: () => Promise<void>,
    code: string,
  ) {
    const before = worker.events.length;
    const since = (event: string, where: (entry: LogEvent) => boolean = () => true) =>
      worker.logged(event, (entry) => worker.events.indexOf(entry) >= before && where(entry));
    const send = async (prefix: string) => {
      await sendOrders(`${prefix}-${before}`, 40);
      sent += 40;
    };
    await send('before');
    await change();
    await server.query(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'worker'",
    );
    await send('during');
    // A slow connection may be named as the cause first.
    await since(
      'dependency_unavailable',
      (entry) => entry['dependency'] === 'Postgres' && entry['code'] === code,
    );
    expect((await worker.http('GET', '/readyz')).status).toBe(503);
    await recover();
    await since('dependency_available');
    await send('after');
    await eventually(async () => {
      expect((await worker.http('GET', '/readyz')).status).toBe(200);
    });
    expect(worker.exitStatus()).toBeUndefined();
    // The tests themselves trust one authority only.
    await server.useServerCertificate('server');
    await allStored(sent);
  }

  test('a rotated password is read from its file', async () => {
    await whileOrdersArrive(
      async () => {
        await server.query("ALTER ROLE worker PASSWORD 'rotated/password'");
      },
      () => {
        writeFileSync(secretFile, urlOf('worker', 'rotated/password', ca));
        return Promise.resolve();
      },
      'DATABASE_LOGIN_REJECTED',
    );
    expect(worker.recentOutput()).not.toContain('rotated');
  });

  test('a server certificate of another authority is accepted once the CA file has it', async () => {
    await whileOrdersArrive(
      () => server.useServerCertificate('server-other-ca'),
      () => {
        writeFileSync(ca, caFile('ca.crt') + caFile('other-ca.crt'));
        return Promise.resolve();
      },
      'DATABASE_TLS_FAILED',
    );
  });
});
