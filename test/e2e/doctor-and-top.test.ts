import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startOwnTemporal } from '../support/own-temporal.ts';
import { runCli } from '../support/programs.ts';
import { orderText } from '../support/messages.ts';
import { eventually } from '../support/eventually.ts';
import { createTestSystem, type TestSystem } from '../support/system.ts';

let system: TestSystem;
beforeEach(async () => {
  system = await createTestSystem({ partitions: 2 });
});
afterEach(() => system.close());

const allEnv = () => ({ ...system.bridgeEnv, ...system.workerEnv });

interface Finding {
  readonly check: string;
  readonly state: string;
  readonly detail: string;
  readonly remedy?: string;
}

async function doctor(env: Readonly<Record<string, string>>) {
  const { exitCode, stdout, stderr } = await runCli(['doctor', '--json'], env);
  expect(stderr).toBe('');
  const findings = stdout.split('\n').map((line) => JSON.parse(line) as Finding);
  return {
    exitCode,
    failed: findings.filter(({ state }) => state === 'failed').map(({ check }) => check),
    of: (check: string) => findings.find((finding) => finding.check === check),
  };
}

test('the doctor passes every check on a working system', async () => {
  await Promise.all([system.startBridge(), system.startWorker()]);
  const { exitCode, failed, of } = await doctor(allEnv());
  expect(failed).toEqual([]);
  expect(exitCode).toBe(0);
  expect(of('Kafka: consumer group')?.detail).toMatch(/\b1 bridge\b.*\b0 messages/);
  expect(of('Kafka: topic')?.detail).toContain('2 partitions');
  expect(of('Temporal: workers')?.detail).toMatch(/polling the task queue ".*": \d+@/);
  expect(of('Temporal: task queue')?.detail).toMatch(/go to 1 partition$/);
  expect(of('Kafka: dead letters fit')?.state).toBe('ok');
  // The dev server keeps workflows for a day, Kafka keeps messages for a week.
  expect(of('Temporal: retention')).toMatchObject({
    state: 'warning',
    detail: expect.stringMatching(/24 h.*7 days/),
  });
  const { stdout } = await runCli(['doctor'], allEnv());
  expect(stdout).toContain('✔ Kafka: topic:');
  expect(stdout).toMatch(/! Temporal: retention: .*\n {4}Fix: /);
});

test('the doctor says that a task queue with fewer partitions is faster', async () => {
  const server = await startOwnTemporal([]);
  try {
    const { of } = await doctor({ ...allEnv(), TEMPORAL_ADDRESS: server.address });
    expect(of('Temporal: task queue')).toMatchObject({
      state: 'ok',
      detail: expect.stringMatching(/go to 4 partitions; .*docs\/temporal-server\.md/),
    });
  } finally {
    await server.remove();
  }
});

test('the doctor names what is missing, with the fix for each', async () => {
  const { schema } = system.database;
  await system.database.pool.query(
    `ALTER TABLE ${schema}.order_ingest_migrations RENAME TO elsewhere`,
  );
  await system.topic.admin.deleteTopics({ topics: [system.topic.deadLetterTopic] });
  const { exitCode, failed, of } = await doctor(allEnv());
  expect(exitCode).toBe(1);
  expect(failed).toEqual([
    'Kafka: dead-letter topic',
    'Kafka: consumer group',
    'Temporal: workers',
    'Postgres: schema',
  ]);
  expect(of('Kafka: consumer group')?.remedy).toContain('order-ingest bridge');
  expect(of('Temporal: workers')?.remedy).toContain('order-ingest worker');
  expect(of('Postgres: schema')?.remedy).toContain('order-ingest setup --only database');
});

test('the doctor detects a database user that may not write', async () => {
  const { pool, schema } = system.database;
  const user = `reader_${schema}`;
  await pool.query(`CREATE ROLE ${user} LOGIN PASSWORD 'reader'`);
  try {
    await pool.query(`GRANT USAGE ON SCHEMA ${schema} TO ${user}`);
    await pool.query(`GRANT SELECT ON ALL TABLES IN SCHEMA ${schema} TO ${user}`);
    const url = new URL(system.workerEnv['DATABASE_URL'] ?? '');
    url.username = user;
    url.password = 'reader';
    const { of } = await doctor({ ...allEnv(), DATABASE_URL: url.href });
    expect(of('Postgres: writing')).toMatchObject({
      state: 'failed',
      detail: `The user "${user}" lacks INSERT on orders, INSERT on order_line_items`,
      remedy: `run as "order_ingest": GRANT INSERT ON orders TO ${user}; GRANT INSERT ON order_line_items TO ${user}`,
    });
  } finally {
    await pool.query(`DROP OWNED BY ${user}; DROP ROLE ${user}`);
  }
});

test('the doctor reports servers that are unreachable, and settings that are missing', async () => {
  const { failed, of } = await doctor({
    KAFKA_BROKERS: '127.0.0.1:1',
    TEMPORAL_ADDRESS: '127.0.0.1:1',
  });
  expect(failed).toEqual(['Kafka', 'Temporal', 'Postgres']);
  expect(of('Kafka')?.detail).toContain('127.0.0.1:1');
  expect(of('Postgres')?.detail).toContain('DATABASE_URL');
});

test('the doctor reports an order module that does not fit once', async () => {
  const file = path.join(mkdtempSync(path.join(tmpdir(), 'order-module-')), 'order.mjs');
  writeFileSync(file, 'export default {};');
  try {
    const { failed, of } = await doctor({ ...allEnv(), ORDER_MODULE: file });
    // Neither a bridge nor a worker is running.
    expect(failed).toEqual(['Kafka: consumer group', 'Temporal: workers', 'Order module']);
    expect(of('Order module')?.detail).toContain(file);
    expect(of('Postgres')?.state).toBe('ok');
  } finally {
    rmSync(path.dirname(file), { recursive: true });
  }
});

test('top shows rates, counts, the bridge and the newest failures', async () => {
  const [bridge] = await Promise.all([system.startBridge(), system.startWorker()]);
  const { port } = await bridge.logged('http_listening');
  const url = `http://127.0.0.1:${String(port)}`;
  await system.topic.send([
    { key: 'a', value: orderText('a') },
    { key: 'b', value: orderText('b', { line_items: '[]' }) },
  ]);
  await system.allCommitted();
  const top = (...args: string[]) =>
    runCli(['top', '--count', '1', '--interval', '1', '--bridge', url, ...args], allEnv());
  await eventually(async () => {
    const { exitCode, stdout, stderr } = await top('--json');
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(JSON.parse(stdout)).toMatchObject({
      perSecond: { arrived: 0, read: 0, stored: 0 },
      kafka: { committed: 2, end: 2, lag: 0 },
      temporal: {
        running: 0,
        completed: 1,
        failed: 1,
        failures: [{ orderId: 'b', failureType: 'OrderInvalid' }],
      },
      postgres: { inserted: 1 },
      bridges: [{ url, isReady: true, inFlight: 0, startLimit: 50 }],
    });
  });
  const { stdout } = await top();
  expect(stdout).toMatch(/stored +0\.0 +1\n/);
  expect(stdout).toMatch(/\nb +20.*OrderInvalid/);
});

test('top shows what is available while servers are down', async () => {
  const { exitCode, stdout } = await runCli(
    ['top', '--count', '1', '--interval', '1', '--json', '--bridge', 'http://127.0.0.1:9'],
    { ...allEnv(), DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none' },
  );
  expect(exitCode).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({
    perSecond: { read: 0 },
    kafka: { lag: 0 },
    postgres: { error: expect.stringContaining('ECONNREFUSED') },
    bridges: [{ error: expect.stringMatching(/.+/) }],
  });
  expect(JSON.parse(stdout)).not.toHaveProperty('perSecond.stored');
});
