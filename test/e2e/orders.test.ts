import { orderText } from '../support/messages.ts';
import { eventually } from '../support/eventually.ts';
import { runCli } from '../support/programs.ts';
import { createTestSystem, type TestSystem } from '../support/system.ts';

/** `order-ingest orders`, as an operator uses it. */
let system: TestSystem;
beforeEach(async () => {
  system = await createTestSystem();
});
afterEach(() => system.close());

const orders = (...args: string[]) =>
  runCli(['orders', ...args], { ...system.bridgeEnv, ...system.workerEnv });
const message = (id: string, changes = {}) => ({ key: id, value: orderText(id, changes) });

interface Listed {
  readonly orderId: string;
  readonly status: string;
  readonly failureType?: string;
  readonly failure?: string;
  readonly source: { readonly partition: number; readonly offset: number };
  readonly pending?: { readonly activity: string; readonly attempt: number; lastFailure?: string };
}

async function list(...args: string[]): Promise<readonly Listed[]> {
  const { exitCode, stdout, stderr } = await orders('list', '--json', ...args);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  return stdout
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Listed);
}

const idsOf = (listed: readonly Listed[]) => listed.map(({ orderId }) => orderId).sort();

async function allEnded(): Promise<void> {
  await system.allCommitted();
  await eventually(async () => {
    expect(await list('--status', 'running')).toEqual([]);
  });
}

/** Makes Postgres reject orders of this customer, or of nobody. */
async function reject(customer: string | undefined): Promise<void> {
  await system.database.pool.query('ALTER TABLE orders DROP CONSTRAINT IF EXISTS rejected');
  if (customer === undefined) return;
  await system.database.pool.query(
    `ALTER TABLE orders ADD CONSTRAINT rejected CHECK (customer_name <> '${customer}')`,
  );
}

test('lists failed orders with their failure, and re-runs them once the cause is fixed', async () => {
  await Promise.all([system.startBridge(), system.startWorker()]);
  await reject('Mallory');
  await system.topic.send([
    message('good'),
    message('rejected-1', { customer_name: '"Mallory"' }),
    message('rejected-2', { customer_name: '"Mallory"' }),
    message('invalid', { line_items: '[]' }),
  ]);
  await allEnded();
  expect(idsOf(await list())).toEqual(['good', 'invalid', 'rejected-1', 'rejected-2']);
  expect(idsOf(await list('--status', 'completed'))).toEqual(['good']);
  expect(idsOf(await list('--error', 'OrderRejected'))).toEqual(['rejected-1', 'rejected-2']);
  expect(await list('--error', 'OrderInvalid')).toMatchObject([
    {
      orderId: 'invalid',
      status: 'failed',
      failureType: 'OrderInvalid',
      failure: expect.stringContaining('line_items'),
      source: { partition: 0, offset: 3 },
    },
  ]);
  expect(await list('--status', 'failed', '--until', '1h')).toEqual([]);
  expect(await list('--status', 'failed', '--query', 'SourceOffset > 2')).toHaveLength(1);
  const { stdout } = await orders('list', '--status', 'failed');
  expect(stdout).toContain('rejected-1  failed');

  const rerun = ['rerun', '--failed', '--error', 'OrderRejected'];
  const unconfirmed = await orders(...rerun);
  expect(unconfirmed.exitCode).toBe(1);
  expect(unconfirmed.stderr).toMatch(/CONFIRMATION_REQUIRED: .*2 orders/);
  expect(JSON.parse((await orders(...rerun, '--dry-run', '--json')).stdout)).toMatchObject({
    dryRun: true,
    started: 2,
  });
  expect((await orders(...rerun, '--yes', '--wait')).exitCode).toBe(1);
  await reject(undefined);
  const fixed = await orders(...rerun, '--yes', '--wait', '--json');
  expect(JSON.parse(fixed.stdout)).toEqual({
    dryRun: false,
    started: 2,
    leftAlone: 0,
    deadLetters: [],
    gone: [],
    outcomes: { completed: 2 },
  });
  expect(fixed.exitCode).toBe(0);
  expect(await system.storedOrderIds()).toEqual(['good', 'rejected-1', 'rejected-2']);
  expect(idsOf(await list('--status', 'failed'))).toEqual(['invalid']);
  expect((await orders(...rerun, '--yes')).stdout).toMatch(/^0 orders /);
});

test('a re-run skips orders that are stored or running', async () => {
  const [, worker] = await Promise.all([system.startBridge(), system.startWorker()]);
  await system.topic.send([message('stored')]);
  await allEnded();
  await worker.end('SIGTERM');
  await system.topic.send([message('running')]);
  await system.allCommitted();
  const { exitCode, stdout } = await orders('rerun', 'stored', 'running', '--yes', '--json');
  expect(JSON.parse(stdout)).toEqual({
    dryRun: false,
    started: 0,
    leftAlone: 2,
    deadLetters: [],
    gone: [],
  });
  expect(exitCode).toBe(0);
});

test('lists what an order waits for while Postgres fails', async () => {
  await Promise.all([system.startBridge(), system.startWorker()]);
  await system.database.pool.query('ALTER TABLE orders RENAME TO hidden');
  await system.topic.send([message('waiting')]);
  await eventually(async () => {
    expect(await list('--status', 'running')).toMatchObject([
      {
        orderId: 'waiting',
        pending: {
          activity: 'storeOrder',
          attempt: expect.any(Number),
          lastFailure: expect.stringContaining('SQLSTATE 42P01'),
        },
      },
    ]);
  });
  const { stdout } = await orders('list');
  expect(stdout).toMatch(/waiting {2}running .* storeOrder: .*SQLSTATE 42P01/);
  await system.database.pool.query('ALTER TABLE hidden RENAME TO orders');
  await allEnded();
  expect(await system.storedOrderIds()).toEqual(['waiting']);
});

test('retry-now retries a waiting order at once, and cancel ends one', async () => {
  await Promise.all([system.startBridge(), system.startWorker()]);
  await system.database.pool.query('ALTER TABLE orders RENAME TO hidden');
  await system.topic.send([message('wanted'), message('unwanted')]);
  const attemptOf = async (id: string) =>
    (await system.workflow(id).describe()).raw.pendingActivities?.[0]?.attempt;
  await eventually(async () => {
    expect(await attemptOf('wanted')).toBeGreaterThan(4);
    expect(await attemptOf('unwanted')).toBeGreaterThan(4);
  });
  expect(await orders('cancel', 'unwanted', '--json')).toMatchObject({
    exitCode: 0,
    stdout: '{"orderId":"unwanted","outcome":"done"}',
  });
  const [retried] = await Promise.all([
    orders('retry-now', 'wanted'),
    // The attempts start at one again, and the first soon fails.
    eventually(async () => {
      expect([2, 3, 4]).toContain(await attemptOf('wanted'));
    }),
  ]);
  expect(retried).toMatchObject({
    exitCode: 0,
    stdout: expect.stringMatching(/^wanted: /),
  });
  await system.database.pool.query('ALTER TABLE hidden RENAME TO orders');
  await allEnded();
  expect(await system.storedOrderIds()).toEqual(['wanted']);
  expect(idsOf(await list('--status', 'cancelled'))).toEqual(['unwanted']);
  const tooLate = await orders('cancel', 'wanted', 'nobody', '--json');
  expect(tooLate.stdout.split('\n').map((line) => JSON.parse(line) as unknown)).toEqual([
    { orderId: 'wanted', outcome: 'not-running' },
    { orderId: 'nobody', outcome: 'unknown' },
  ]);
  expect(tooLate.exitCode).toBe(1);
  expect(tooLate.stderr).toMatch(/ORDERS_UNCHANGED: 2 of 2 .*wanted: .*nobody: /);
  expect((await orders('rerun', 'unwanted', '--wait')).exitCode).toBe(0);
  expect(await system.storedOrderIds()).toEqual(['unwanted', 'wanted']);
});

test('show reports the runs, message, row and dead letters of one order', async () => {
  await Promise.all([
    system.startBridge({ TEMPORAL_UI: 'http://ui.example' }),
    system.startWorker(),
  ]);
  await system.topic.send([
    message('shown', { customer_name: '"Grace Hopper"' }),
    message('shown', { customer_name: '"Somebody else"' }),
    message('other'),
  ]);
  await allEnded();
  const show = (...args: string[]) =>
    runCli(['orders', 'show', ...args], {
      ...system.bridgeEnv,
      ...system.workerEnv,
      TEMPORAL_UI: 'http://ui.example/',
    });
  const { exitCode, stdout } = await show('shown', '--json');
  expect(exitCode).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({
    orderId: 'shown',
    link: expect.stringMatching(
      /^http:\/\/ui\.example\/namespaces\/default\/workflows\/.*shown\/[0-9a-f-]+\/history$/,
    ),
    temporal: {
      runs: [{ status: 'completed' }],
      message: {
        text: orderText('shown', { customer_name: '"Grace Hopper"' }),
        source: { topic: system.topic.name, partition: 0, offset: '0' },
      },
      pending: [],
    },
    stored: { customer_name: 'Grace Hopper', source: `${system.topic.name}/0/0` },
    deadLetters: [{ reason: 'conflicting-duplicate', replayed: false }],
  });
  const text = await show('shown');
  expect(text.stdout).toContain('customer_name  Grace Hopper');
  expect(text.stdout).toMatch(/conflicting-duplicate {2}no/);
  expect((await show('nobody')).stderr).toMatch(/ORDER_NOT_FOUND: .*"nobody"/);
});

test('show reports what it can read while Postgres is down', async () => {
  const [bridge] = await Promise.all([system.startBridge(), system.startWorker()]);
  await system.topic.send([message('shown')]);
  await allEnded();
  await bridge.end('SIGTERM');
  const { exitCode, stdout } = await runCli(['orders', 'show', 'shown'], {
    ...system.bridgeEnv,
    ...system.workerEnv,
    DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none',
  });
  expect(exitCode).toBe(1);
  expect(stdout).toMatch(/In Postgres\n.*ECONNREFUSED/);
  expect(stdout).toMatch(/completed/);
});

test('correct re-runs a failed order with a corrected message, and records who did it and why', async () => {
  const bridge = await system.startBridge();
  await system.startWorker();
  await system.topic.send([message('wrong', { total_price: '-1' }), message('right')]);
  await allEnded();
  const correct = (id: string, text: string, ...args: string[]) =>
    runCli(
      ['orders', 'correct', id, '--payload', '-', '--reason', 'no sign', ...args],
      { ...system.bridgeEnv, ...system.workerEnv },
      text,
    );
  const corrected = orderText('wrong', { total_price: '1' });
  expect((await correct('wrong', orderText('other'))).stderr).toMatch(
    /CORRECTION_INVALID: .*"other".*"wrong"/,
  );
  expect((await correct('wrong', orderText('wrong', { total_price: '-2' }))).stderr).toMatch(
    /CORRECTION_INVALID: .*total_price/,
  );
  expect((await correct('right', orderText('right'))).stderr).toMatch(
    /ORDER_NOT_FAILED: .*"right"/,
  );
  expect((await correct('nobody', orderText('nobody'))).stderr).toMatch(
    /ORDER_NOT_FOUND: .*"nobody"/,
  );
  expect((await correct('right', orderText('right'), '--dry-run')).exitCode).toBe(1);
  expect((await correct('wrong', corrected, '--dry-run')).exitCode).toBe(0);
  expect(idsOf(await list('--status', 'failed'))).toEqual(['wrong']);

  const done = await correct('wrong', corrected, '--by', 'Grace', '--wait', '--json');
  expect(done).toMatchObject({ exitCode: 0, stderr: '' });
  expect(JSON.parse(done.stdout)).toMatchObject({
    orderId: 'wrong',
    by: 'Grace',
    reason: 'no sign',
    outcome: 'completed',
  });
  const { rows } = await system.database.pool.query(
    "SELECT total_price, source_offset, corrected_by, corrected_at::text, correction_reason FROM orders WHERE order_id = 'wrong'",
  );
  expect(rows).toEqual([
    {
      total_price: '1',
      source_offset: '0',
      corrected_by: 'Grace',
      corrected_at: expect.stringMatching(/^20/),
      correction_reason: 'no sign',
    },
  ]);
  const { memo } = await system.workflow('wrong').describe();
  expect(memo?.['correction']).toMatchObject({ by: 'Grace', reason: 'no sign' });
  const { stdout } = await orders('show', 'wrong');
  expect(stdout).toMatch(/corrected by Grace at .*: no sign/);
  expect(stdout).toMatch(/corrected_by +Grace/);

  // Both the original and the corrected message are now duplicates.
  await system.topic.send([
    message('wrong', { total_price: '-1' }),
    message('wrong', { total_price: '1' }),
  ]);
  await system.allCommitted();
  expect(bridge.events.filter(({ event }) => event === 'duplicate_order')).toHaveLength(2);
  expect(await system.topic.deadLetters()).toEqual([]);
  const reconciled = await runCli(['reconcile'], { ...system.bridgeEnv, ...system.workerEnv });
  expect(reconciled).toMatchObject({ exitCode: 0 });
});

test('re-runs an order that has expired from Temporal with its message from the topic', async () => {
  await Promise.all([system.startBridge(), system.startWorker()]);
  await reject('Mallory');
  const mallory = { customer_name: '"Mallory"' };
  await system.topic.send([
    message('conflict', mallory),
    message('conflict', { ...mallory, total_price: '1' }),
    message('stored'),
    message('expired', mallory),
    message('other', mallory),
    // Order IDs as PHP and Python escape them.
    message('escaped', { ...mallory, order_id: String.raw`"WC\/2026\/17"` }),
    message('escaped', { order_id: String.raw`"caf\u00e9-1"` }),
    message('escaped', { order_id: String.raw`"caf\u00e9-1"`, total_price: '1' }),
  ]);
  await allEnded();
  await system.topic.admin.deleteTopicRecords({
    topic: system.topic.name,
    partitions: [{ partition: 0, offset: '1' }],
  });
  for (const id of ['conflict', 'stored', 'expired', 'WC/2026/17']) {
    await system.client.workflowService.deleteWorkflowExecution({
      namespace: system.client.options.namespace,
      workflowExecution: { workflowId: system.workflowId(id) },
    });
    await eventually(async () => {
      await expect(system.workflow(id).describe()).rejects.toThrow('not found');
    });
  }
  await reject(undefined);
  const dryRun = await orders('rerun', 'expired', 'stored', 'other', '--dry-run', '--json');
  expect(dryRun.exitCode).toBe(0);
  expect(JSON.parse(dryRun.stdout)).toMatchObject({ dryRun: true, started: 2, leftAlone: 1 });
  const ids = ['expired', 'stored', 'other', 'WC/2026/17', 'conflict'];
  const rerun = await orders('rerun', ...ids, '--yes', '--wait', '--json');
  expect(JSON.parse(rerun.stdout)).toEqual({
    dryRun: false,
    started: 3,
    leftAlone: 1,
    deadLetters: [{ orderId: 'conflict', topic: system.topic.name, partition: 0, offset: '1' }],
    gone: [],
    outcomes: { completed: 3 },
  });
  expect(rerun.stderr).toMatch(/ORDERS_NOT_RERUN: .*"conflict" \(.*partition 0, offset 1\)/);
  expect(rerun.exitCode).toBe(1);
  expect(await system.storedOrderIds()).toEqual(
    ['WC/2026/17', 'café-1', 'expired', 'other', 'stored'].sort(),
  );
  const show = await orders('show', 'café-1', '--json');
  expect(JSON.parse(show.stdout)).toMatchObject({
    deadLetters: [{ reason: 'conflicting-duplicate', sourceOffset: '7', replayed: false }],
  });
  const later = await orders('show', 'café-1', '--json', '--since', '2100-01-01T00:00Z');
  expect(JSON.parse(later.stdout)).toMatchObject({ deadLetters: [] });
});

test('reports wrong arguments by their error codes', async () => {
  expect((await orders('rerun')).stderr).toContain('ARGUMENT_INVALID');
  expect((await orders('rerun', 'A-1', '--failed')).stderr).toContain('ARGUMENT_INVALID');
  expect((await orders('rerun', 'nobody')).stderr).toMatch(/ORDERS_NOT_RERUN: .*"nobody"/);
  expect((await orders('list', '--query', 'no such thing')).stderr).toMatch(
    /TEMPORAL_REQUEST_INVALID: [^]*--query/,
  );
  expect((await orders('list', '--status', 'odd')).exitCode).toBe(2);
});
