import { eventually } from '../support/eventually.ts';
import { orderText } from '../support/messages.ts';
import { metricValue } from '../support/metrics.ts';
import { stackAddress, uniqueName } from '../support/stack.ts';
import { createTestSystem, type TestSystem } from '../support/system.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';

let system: TestSystem;
beforeEach(async () => {
  system = await createTestSystem();
});
afterEach(() => system.close());

test('bridge and worker count messages, orders and activity attempts', async () => {
  const { bridge, worker } = await system.startPair({
    bridge: { BRIDGE_LAG_INTERVAL_MS: '100' },
  });
  const metrics = async (program: typeof bridge) => {
    const { body } = await program.http('GET', '/metrics');
    return (series: string) => metricValue(body, series);
  };
  await system.topic.send([
    { key: 'a', value: orderText('a') },
    { key: 'a', value: orderText('a') },
    { key: 'b', value: 'no JSON' },
    { key: 'c', value: orderText('c', { line_items: '[]' }) },
  ]);
  await system.allCommitted();
  const ofBridge = await metrics(bridge);
  expect(ofBridge('order_ingest_messages_total{outcome="started"}')).toBe(2);
  expect(ofBridge('order_ingest_messages_total{outcome="duplicate"}')).toBe(1);
  expect(ofBridge('order_ingest_messages_total{outcome="dead_letter"}')).toBe(1);
  expect(ofBridge('order_ingest_start_duration_seconds_count')).toBe(3);
  expect(ofBridge('order_ingest_messages_in_flight')).toBe(0);
  expect(ofBridge('order_ingest_commit_age_seconds')).toBe(0);
  expect(ofBridge('order_ingest_ready')).toBe(1);
  await eventually(async () => {
    const ofWorker = await metrics(worker);
    expect(ofWorker('order_ingest_orders_total{ending="stored"}')).toBe(1);
    expect(ofWorker('order_ingest_orders_total{ending="invalid"}')).toBe(1);
    expect(
      ofWorker('order_ingest_activity_attempts_total{activity="storeOrder",outcome="succeeded"}'),
    ).toBe(1);
    expect(
      ofWorker('order_ingest_activity_attempts_total{activity="translateOrder",outcome="failed"}'),
    ).toBe(1);
    expect(ofWorker('order_ingest_activity_duration_seconds_count{activity="storeOrder"}')).toBe(1);
    expect(ofWorker('order_ingest_database_waiting')).toBe(0);
  });
  // The worker leaves out those of the SDK when they take long.
  await eventually(async () => {
    const { body } = await worker.http('GET', '/metrics');
    expect(body).toMatch(/^temporal_worker_task_slots_available\{.*LocalActivityWorker/m);
  });
});

test('the bridge reports the lag of its partitions even while it makes no progress', async () => {
  const bridge = await system.startBridge({ BRIDGE_LAG_INTERVAL_MS: '100' });
  await system.topic.admin.deleteTopics({ topics: [system.topic.deadLetterTopic] });
  await system.topic.send([
    { key: null, value: 'no JSON' },
    { key: 'a', value: orderText('a') },
  ]);
  await eventually(async () => {
    const { body } = await bridge.http('GET', '/metrics');
    const labels = `{topic="${system.topic.name}",partition="0"}`;
    expect(metricValue(body, `order_ingest_consumer_lag_messages${labels}`)).toBe(2);
    expect(metricValue(body, 'order_ingest_messages_in_flight')).toBe(1);
    expect(metricValue(body, 'order_ingest_ready')).toBe(0);
  });
});

test('a worker is alive but not ready while Postgres is unavailable', async () => {
  const database = new URL(system.workerEnv['DATABASE_URL'] ?? '');
  const proxy = await startTcpProxy(database.host);
  try {
    database.host = `127.0.0.1:${proxy.port}`;
    const worker = await system.startWorker({ DATABASE_URL: database.href });
    const readyz = () => worker.http('GET', '/readyz');
    expect(await readyz()).toMatchObject({ status: 200 });
    await proxy.cut();
    await eventually(async () => {
      const { status, body } = await readyz();
      expect(status).toBe(503);
      expect(JSON.parse(body)).toEqual({
        status: 'not ready',
        reasons: { Postgres: expect.stringMatching(/ECONNREFUSED|terminated/) },
      });
    });
    expect(await worker.http('GET', '/livez')).toEqual({
      status: 200,
      body: '{"status":"alive"}\n',
    });
    await proxy.restore();
    await eventually(async () => {
      expect(await readyz()).toMatchObject({ status: 200 });
    });
  } finally {
    await proxy.close();
  }
});

test('a worker is not ready while the database is read-only, and recovers by itself', async () => {
  // A separate user, since other tests use the same database.
  const user = uniqueName('user').replaceAll('-', '_');
  const { pool } = system.database;
  await pool.query(`CREATE ROLE ${user} LOGIN SUPERUSER PASSWORD 'x'`);
  const url = new URL(system.workerEnv['DATABASE_URL'] ?? '');
  url.username = user;
  url.password = 'x';
  const worker = await system.startWorker({ DATABASE_URL: url.href });
  // The setting applies to new sessions, so the existing ones are ended.
  const setReadOnly = async (value: 'on' | 'off') => {
    await pool.query(`ALTER ROLE ${user} SET default_transaction_read_only = ${value}`);
    if (value === 'off') return;
    await pool.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $1', [
      user,
    ]);
  };
  const expectReasons = (reasons: object) =>
    eventually(async () => {
      const { body } = await worker.http('GET', '/readyz');
      expect((JSON.parse(body) as { reasons?: object }).reasons ?? {}).toEqual(reasons);
    });
  await expectReasons({});
  await setReadOnly('on');
  await expectReasons({ Postgres: expect.stringContaining('read-only') });
  await setReadOnly('off');
  await expectReasons({});
  await worker.end('SIGTERM');
  await pool.query(`DROP ROLE ${user}`);
});

test('a worker is not ready while Temporal is unavailable', async () => {
  const proxy = await startTcpProxy(stackAddress('TEMPORAL_ADDRESS'));
  try {
    const worker = await system.startWorker({ TEMPORAL_ADDRESS: `127.0.0.1:${proxy.port}` });
    await proxy.cut();
    await eventually(async () => {
      const { status, body } = await worker.http('GET', '/readyz');
      expect(status).toBe(503);
      expect(Object.keys((JSON.parse(body) as { reasons: object }).reasons)).toEqual(['Temporal']);
    });
    await proxy.restore();
    await eventually(async () => {
      expect(await worker.http('GET', '/readyz')).toMatchObject({ status: 200 });
    });
  } finally {
    await proxy.close();
  }
});
