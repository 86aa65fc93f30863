import { createHmac, randomBytes } from 'node:crypto';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import proto from '@temporalio/proto';
import { eventually } from '../support/eventually.ts';
import { orderText } from '../support/messages.ts';
import { runCli, type ProgramEnv } from '../support/programs.ts';
import { createTestSystem, type TestSystem } from '../support/system.ts';
import { READABLE, textOfWorkflow } from '../support/workflow-text.ts';

/** Bridge, worker and tools with TEMPORAL_PAYLOAD_KEYS, and what Temporal has then. */
let system: TestSystem;
beforeEach(async () => {
  system = await createTestSystem();
});
afterEach(() => system.close());

const newKey = (id: string) => `${id}:${randomBytes(32).toString('base64')}`;
const KEYS = { TEMPORAL_PAYLOAD_KEYS: newKey('first') };
const message = (id: string, changes = {}) => ({ key: id, value: orderText(id, changes) });

const start = (env: ProgramEnv) =>
  Promise.all([system.startBridge(env), system.startWorker(env)] as const);

const cliWith = (env: ProgramEnv, args: readonly string[], input?: string) =>
  runCli(args, { ...system.bridgeEnv, ...system.workerEnv, ...env }, input);

/** Runs a command that has to succeed, and returns what it prints. */
async function cli(env: ProgramEnv, args: readonly string[], input?: string): Promise<string> {
  const { exitCode, stdout, stderr } = await cliWith(env, args, input);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  return stdout;
}

const { WorkflowExecutionStatus } = proto.temporal.api.enums.v1;

/** Without the SDK's converter, which would have to decode the memo. */
const describeWorkflow = (workflowId: string) =>
  system.client.workflowService.describeWorkflowExecution({
    namespace: system.client.options.namespace,
    execution: { workflowId },
  });
const describeRaw = (orderId: string) => describeWorkflow(system.workflowId(orderId));

const statusIs = (orderId: string, status: string) =>
  eventually(async () => {
    const { workflowExecutionInfo } = await describeRaw(orderId);
    expect(WorkflowExecutionStatus[workflowExecutionInfo?.status ?? 0]).toBe(
      `WORKFLOW_EXECUTION_STATUS_${status}`,
    );
  });

const isRetried = (orderId: string) =>
  eventually(async () => {
    const { pendingActivities } = await describeRaw(orderId);
    expect(pendingActivities[0]?.attempt).toBeGreaterThan(1);
  });

/** Makes Postgres answer that its disk is full, which is retried. */
const failPostgres = () =>
  system.database.pool.query(`
    CREATE FUNCTION disk_full() RETURNS trigger LANGUAGE plpgsql AS
      $$ BEGIN RAISE EXCEPTION 'disk full' USING ERRCODE = '53100'; END $$;
    CREATE TRIGGER disk_full BEFORE INSERT ON orders EXECUTE FUNCTION disk_full()`);
const restorePostgres = () => system.database.pool.query('DROP FUNCTION disk_full CASCADE');

const textInTemporal = (orderId: string) =>
  textOfWorkflow(system.client, system.workflowId(orderId));

const eventsNamed = (program: { readonly events: readonly { event?: string }[] }, name: string) =>
  program.events.filter(({ event }) => event === name);

test('nothing of an order or of a failure is readable in Temporal, and every tool reads it', async () => {
  const [bridge] = await start(KEYS);
  await system.topic.send([
    message('good'),
    message('good'),
    message('good', { total_price: '1' }),
    message('invalid', { total_price: '-1' }),
  ]);
  await statusIs('good', 'COMPLETED');
  await statusIs('invalid', 'FAILED');
  await system.allCommitted();
  expect(eventsNamed(bridge, 'duplicate_order')).toHaveLength(1);
  expect(
    (await system.topic.deadLetters()).map(({ headers }) => String(headers['dead-letter.reason'])),
  ).toEqual(['conflicting-duplicate']);

  await failPostgres();
  await system.topic.send([message('waiting'), message('unwanted')]);
  const list = async (...args: string[]) =>
    (await cli(KEYS, ['orders', 'list', '--json', ...args]))
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as { orderId: string });
  await eventually(async () => {
    const pending = { activity: 'storeOrder', lastFailure: expect.stringContaining('53100') };
    const running = await list('--status', 'running');
    expect(running.sort((a, b) => a.orderId.localeCompare(b.orderId))).toEqual([
      expect.objectContaining({ orderId: 'unwanted', pending: expect.objectContaining(pending) }),
      expect.objectContaining({ orderId: 'waiting', pending: expect.objectContaining(pending) }),
    ]);
  });
  for (const id of ['good', 'invalid', 'waiting']) {
    const text = await textInTemporal(id);
    expect(text).toContain('binary/encrypted');
    expect(text).not.toMatch(READABLE);
    expect(text).not.toContain('json/plain\n{"text"');
  }
  await cli(KEYS, ['orders', 'cancel', 'unwanted']);
  await statusIs('unwanted', 'CANCELED');
  await cli(KEYS, ['orders', 'retry-now', 'waiting']);
  await restorePostgres();
  await statusIs('waiting', 'COMPLETED');

  expect(await list('--status', 'failed')).toMatchObject([
    { orderId: 'invalid', failure: expect.stringContaining('total_price') },
  ]);
  expect(await cli(KEYS, ['orders', 'show', 'invalid'])).toMatch(/OrderInvalid: .*total_price/);
  expect(await cli(KEYS, ['orders', 'show', 'good', '--raw'])).toBe(orderText('good'));
  await cli(KEYS, ['orders', 'rerun', 'unwanted', '--wait']);
  const correct = ['orders', 'correct', 'invalid', '--payload', '-', '--reason', 'no sign'];
  await cli(KEYS, [...correct, '--wait'], orderText('invalid'));
  expect(await textInTemporal('invalid')).not.toMatch(READABLE);
  await system.topic.send([message('invalid', { total_price: '-1' }), message('invalid')]);
  await system.allCommitted();
  expect(eventsNamed(bridge, 'duplicate_order')).toHaveLength(3);

  await system.database.pool.query(
    "DELETE FROM order_line_items WHERE order_id = 'good'; DELETE FROM orders WHERE order_id = 'good'",
  );
  expect(await cliWith(KEYS, ['reconcile'])).toMatchObject({ exitCode: 1 });
  const range = ['--partition', '0', '--from', '0', '--to', '2'];
  await cli(KEYS, ['replay', ...range, '--completed']);
  await eventually(async () => {
    expect(await system.storedOrderIds()).toEqual(['good', 'invalid', 'unwanted', 'waiting']);
  });
  await statusIs('good', 'COMPLETED');
  await cli(KEYS, ['reconcile']);
  expect(await textInTemporal('good')).not.toMatch(READABLE);
});

test('switched on and off again, with orders from before and after', async () => {
  const switchTo = async (
    programs: readonly { end(signal: NodeJS.Signals): Promise<unknown> }[],
    env: ProgramEnv,
  ) => {
    await Promise.all(programs.map((program) => program.end('SIGTERM')));
    return start(env);
  };
  let [bridge, worker] = await start({});
  await failPostgres();
  await system.topic.send([message('open-before'), message('invalid', { total_price: '-1' })]);
  await statusIs('invalid', 'FAILED');
  expect(await textInTemporal('invalid')).toMatch(READABLE);
  await isRetried('open-before');

  [bridge, worker] = await switchTo([bridge, worker], KEYS);
  await system.topic.send([message('open-while'), message('open-before')]);
  await isRetried('open-while');
  await system.allCommitted();
  expect(eventsNamed(bridge, 'duplicate_order')).toHaveLength(1);
  // The run that failed is readable, its re-run is not.
  await cli(KEYS, ['orders', 'rerun', 'invalid']);
  await statusIs('invalid', 'FAILED');
  expect(await textInTemporal('invalid')).not.toMatch(READABLE);

  const off = { ...KEYS, TEMPORAL_PAYLOAD_ENCRYPTION: 'off' };
  [bridge] = await switchTo([bridge, worker], off);
  await restorePostgres();
  await system.topic.send([message('after'), message('open-while')]);
  for (const id of ['open-before', 'open-while', 'after']) await statusIs(id, 'COMPLETED');
  await system.allCommitted();
  expect(eventsNamed(bridge, 'duplicate_order')).toHaveLength(1);
  expect(await textInTemporal('after')).toMatch(READABLE);
  const fixed = ['orders', 'correct', 'invalid', '--payload', '-', '--reason', 'no sign', '--wait'];
  await cli(off, fixed, orderText('invalid'));
  await cli(off, ['reconcile']);
  expect(await system.topic.deadLetters()).toEqual([]);
});

test('keys are rotated in a file while orders flow, without a restart', async () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'payload-keys-'));
  try {
    const [old, next] = [newKey('old'), newKey('next')];
    const file = path.join(folder, 'keys');
    const rotate = (...keys: string[]) => {
      writeFileSync(`${file}.new`, keys.join('\n'));
      renameSync(`${file}.new`, file);
    };
    rotate(old);
    const env = { TEMPORAL_PAYLOAD_KEYS_FILE: file };
    const [bridge, worker] = await start(env);
    let sent = 0;
    /** Sends orders until one is encrypted with this key. */
    const untilEncryptedWith = (key: string) =>
      eventually(async () => {
        sent += 1;
        await system.topic.send([message(`order-${sent}`)]);
        await statusIs(`order-${sent}`, 'COMPLETED');
        expect(await textInTemporal(`order-${sent}`)).toMatch(new RegExp(`^${key}$`, 'm'));
      });
    await untilEncryptedWith('old');
    rotate(old, next);
    rotate(next, old);
    await untilEncryptedWith('next');
    expect(await cli(env, ['orders', 'show', 'order-1', '--raw'])).toBe(orderText('order-1'));
    await cli(env, ['reconcile']);
    expect([
      ...eventsNamed(bridge, 'unavailable'),
      ...eventsNamed(worker, 'worker_failed'),
    ]).toEqual([]);

    rotate(next);
    const unknown = await cliWith(env, ['orders', 'show', 'order-1', '--raw']);
    expect(unknown.exitCode).toBe(1);
    expect(unknown.stderr).toContain('"old"');
    expect(unknown.stderr).toContain('TEMPORAL_PAYLOAD_KEYS');
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('a worker without the key is not ready and fails no order: the order waits for a worker that has it', async () => {
  await system.startBridge(KEYS);
  const without = await system.startWorker();
  await system.topic.send([message('waiting')]);
  await eventually(async () => {
    const { status, body } = await without.http('GET', '/readyz');
    expect(status).toBe(503);
    expect(JSON.parse(body)).toMatchObject({
      reasons: { 'payload keys': expect.stringMatching(/"first".*TEMPORAL_PAYLOAD_KEYS/) },
    });
  });
  await eventually(() => {
    expect(without.recentOutput()).toContain('is encrypted with the key');
  });
  await statusIs('waiting', 'RUNNING');
  expect((await cliWith({}, ['orders', 'show', 'waiting', '--raw'])).stderr).toContain('"first"');
  await without.end('SIGTERM');
  await system.startWorker(KEYS);
  await statusIs('waiting', 'COMPLETED');
  expect(await system.storedOrderIds()).toEqual(['waiting']);
});

test('a bridge without the key takes no order for a conflict: it waits for the key', async () => {
  const [bridge] = await start(KEYS);
  await system.topic.send([message('known')]);
  await statusIs('known', 'COMPLETED');
  await system.allCommitted();
  await bridge.end('SIGTERM');
  const without = await system.startBridge();
  await system.topic.send([message('known')]);
  await eventually(async () => {
    const { status, body } = await without.http('GET', '/readyz');
    expect(status).toBe(503);
    expect(body).toContain('TEMPORAL_PAYLOAD_KEYS');
  });
  await without.end('SIGTERM');
  const again = await system.startBridge(KEYS);
  await system.allCommitted();
  expect(eventsNamed(again, 'duplicate_order')).toHaveLength(1);
  expect(await system.topic.deadLetters()).toEqual([]);
});

test('with WORKFLOW_ID_HASH_KEY, no order ID is readable in Temporal, and every tool finds the order by its ID', async () => {
  const key = randomBytes(32);
  const env = { ...KEYS, WORKFLOW_ID_HASH_KEY: key.toString('base64') };
  const hashed = (id: string) =>
    system.workflowId(createHmac('sha256', key).update(id).digest('hex'));
  // One from before, under its own ID.
  const before = await start(KEYS);
  await system.topic.send([
    message('secret-before'),
    message('secret-old-failure', { total_price: '-1' }),
  ]);
  await statusIs('secret-before', 'COMPLETED');
  await statusIs('secret-old-failure', 'FAILED');
  await system.allCommitted();
  await Promise.all(before.map((program) => program.end('SIGTERM')));

  const [bridge] = await start(env);
  await system.topic.send([
    message('secret-good'),
    message('secret-good'),
    message('secret-good', { total_price: '1' }),
    message('secret-invalid', { total_price: '-1' }),
    message('secret-before'),
  ]);
  await system.allCommitted();
  const list = async (...args: string[]) =>
    (await cli(env, ['orders', 'list', '--json', ...args]))
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as { orderId: string; workflowId: string });
  await eventually(async () => {
    const found = await list();
    expect(new Set(found.map(({ orderId }) => orderId))).toEqual(
      new Set(['secret-before', 'secret-good', 'secret-invalid', 'secret-old-failure']),
    );
    expect(await list('--status', 'running')).toEqual([]);
  });
  expect(await list('--error', 'OrderInvalid', '--status', 'failed')).toHaveLength(2);
  for (const id of ['secret-good', 'secret-invalid']) {
    const text = await textOfWorkflow(system.client, hashed(id));
    expect(text).not.toMatch(READABLE);
    expect(text).not.toContain(id);
    expect(text).not.toMatch(/\b2:[0-9a-f]{16}/);
  }
  // The order from before has a second workflow, which has found its row.
  expect(eventsNamed(bridge, 'duplicate_order')).toHaveLength(1);
  expect(await system.topic.deadLetters()).toHaveLength(1);
  expect(await system.storedOrderIds()).toEqual(['secret-before', 'secret-good']);

  expect(await cli(env, ['orders', 'show', 'secret-good', '--raw'])).toBe(orderText('secret-good'));
  for (const id of ['secret-invalid', 'secret-old-failure']) {
    const correct = ['orders', 'correct', id, '--payload', '-', '--reason', 'no sign', '--wait'];
    await cli(env, correct, orderText(id));
  }
  await system.database.pool.query(
    "DELETE FROM order_line_items WHERE order_id = 'secret-good'; DELETE FROM orders WHERE order_id = 'secret-good'",
  );
  expect(await cliWith(env, ['reconcile'])).toMatchObject({ exitCode: 1 });
  const range = ['--partition', '0', '--from', '0', '--to', '7'];
  await cli(env, ['replay', ...range, '--completed']);
  await eventually(async () => {
    expect(await system.storedOrderIds()).toContain('secret-good');
    expect(await list('--status', 'running')).toEqual([]);
  });
  await cli(env, ['reconcile']);
  expect((await list()).map(({ orderId }) => orderId)).not.toContain(
    expect.stringMatching(/^[0-9a-f]{64}$/),
  );
});

test('invalid keys end a program at its start, with an error that does not show them', async () => {
  const { exitCode, stderr } = await cliWith({ TEMPORAL_PAYLOAD_KEYS: 'a:c2VjcmV0' }, ['worker']);
  expect(exitCode).toBe(1);
  expect(stderr).toMatch(/SETTINGS_INVALID: [\s\S]*"a" has 6 bytes/);
  expect(stderr).not.toContain('c2VjcmV0');
});
