import { orderText } from '../support/messages.ts';
import { eventually } from '../support/eventually.ts';
import { runCli } from '../support/programs.ts';
import { createTestSystem, type TestSystem } from '../support/system.ts';

/** `order-ingest orders`, as people on call use it. */
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

/** Postgres refuses orders of this customer until it is told otherwise. */
async function refuse(customer: string | undefined): Promise<void> {
  await system.database.pool.query('ALTER TABLE orders DROP CONSTRAINT IF EXISTS refused');
  if (customer === undefined) return;
  await system.database.pool.query(
    `ALTER TABLE orders ADD CONSTRAINT refused CHECK (customer_name <> '${customer}')`,
  );
}

test('what has failed is listed with its reason, and runs again with success once the cause is mended', async () => {
  await Promise.all([system.startBridge(), system.startWorker()]);
  await refuse('Mallory');
  await system.topic.send([
    message('good'),
    message('refused-1', { customer_name: '"Mallory"' }),
    message('refused-2', { customer_name: '"Mallory"' }),
    message('invalid', { line_items: '[]' }),
  ]);
  await allEnded();
  expect(idsOf(await list())).toEqual(['good', 'invalid', 'refused-1', 'refused-2']);
  expect(idsOf(await list('--status', 'completed'))).toEqual(['good']);
  expect(idsOf(await list('--error', 'OrderRejected'))).toEqual(['refused-1', 'refused-2']);
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
  expect(stdout).toContain('refused-1  failed');

  const again = ['rerun', '--failed', '--error', 'OrderRejected'];
  expect((await orders(...again)).stderr).toContain('About 2 orders would be run again');
  expect((await orders(...again, '--dry-run')).stdout).toContain('2 orders would be run again');
  expect((await orders(...again, '--yes', '--wait')).exitCode).toBe(1);
  await refuse(undefined);
  const mended = await orders(...again, '--yes', '--wait', '--json');
  expect(JSON.parse(mended.stdout)).toEqual({
    dryRun: false,
    started: 2,
    leftAlone: 0,
    deadLetters: [],
    gone: [],
    outcomes: { completed: 2 },
  });
  expect(mended.exitCode).toBe(0);
  expect(await system.storedOrderIds()).toEqual(['good', 'refused-1', 'refused-2']);
  expect(idsOf(await list('--status', 'failed'))).toEqual(['invalid']);
  expect((await orders(...again, '--yes')).stdout).toContain('0 orders run again');
});

test('an order that was stored or runs is left alone', async () => {
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

test('an order that Postgres cannot take now shows what it waits for', async () => {
  await Promise.all([system.startBridge(), system.startWorker()]);
  await system.database.pool.query('ALTER TABLE orders RENAME TO away');
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
  await system.database.pool.query('ALTER TABLE away RENAME TO orders');
  await allEnded();
  expect(await system.storedOrderIds()).toEqual(['waiting']);
});

test('an order that waits tries at once when it is told to, and ends when it is cancelled', async () => {
  await Promise.all([system.startBridge(), system.startWorker()]);
  await system.database.pool.query('ALTER TABLE orders RENAME TO away');
  await system.topic.send([message('told'), message('unwanted')]);
  const attempts = async () =>
    new Map((await list('--status', 'running')).map((run) => [run.orderId, run.pending?.attempt]));
  // The next attempt is 8 s away, or more.
  await eventually(async () => {
    const now = await attempts();
    expect(now.get('told')).toBeGreaterThan(4);
    expect(now.get('unwanted')).toBeGreaterThan(4);
  });
  expect(await orders('cancel', 'unwanted')).toMatchObject({
    exitCode: 0,
    stdout: 'unwanted: asked to end as cancelled; `orders rerun` starts it again',
  });
  await system.database.pool.query('ALTER TABLE away RENAME TO orders');
  expect(await orders('retry-now', 'told')).toMatchObject({
    exitCode: 0,
    stdout: 'told: tries at once',
  });
  await eventually(async () => {
    expect(await system.storedOrderIds()).toEqual(['told']);
  }, 5000);
  await allEnded();
  expect(idsOf(await list('--status', 'cancelled'))).toEqual(['unwanted']);
  expect((await orders('cancel', 'told', 'nobody')).stderr).toContain(
    'Not done for 2 of 2: told: it does not run any more; nobody: Temporal does not know this order',
  );
  expect((await orders('rerun', 'unwanted', '--wait')).exitCode).toBe(0);
  expect(await system.storedOrderIds()).toEqual(['told', 'unwanted']);
});

test("one order's whole story stands in one place", async () => {
  await Promise.all([
    system.startBridge({ TEMPORAL_UI: 'http://ui.example' }),
    system.startWorker(),
  ]);
  await system.topic.send([
    message('told', { customer_name: '"Grace Hopper"' }),
    message('told', { customer_name: '"Somebody else"' }),
    message('other'),
  ]);
  await allEnded();
  const show = (...args: string[]) =>
    runCli(['orders', 'show', ...args], {
      ...system.bridgeEnv,
      ...system.workerEnv,
      TEMPORAL_UI: 'http://ui.example/',
    });
  const { exitCode, stdout } = await show('told', '--json');
  expect(exitCode).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({
    orderId: 'told',
    link: expect.stringMatching(
      /^http:\/\/ui\.example\/namespaces\/default\/workflows\/.*told\/[0-9a-f-]+\/history$/,
    ),
    temporal: {
      runs: [{ status: 'completed' }],
      message: {
        text: orderText('told', { customer_name: '"Grace Hopper"' }),
        source: { topic: system.topic.name, partition: 0, offset: '0' },
      },
      pending: [],
    },
    stored: { customer_name: 'Grace Hopper', source: `${system.topic.name}/0/0` },
    deadLetters: [{ reason: 'conflicting-duplicate', replayed: false }],
  });
  const text = await show('told');
  expect(text.stdout).toContain('customer_name  Grace Hopper');
  expect(text.stdout).toMatch(/conflicting-duplicate {2}no/);
  expect((await show('nobody')).stderr).toContain(
    'There is no order "nobody": no workflow, no row and no dead letter',
  );
});

test('a server that is away does not hide what the others know', async () => {
  const [bridge] = await Promise.all([system.startBridge(), system.startWorker()]);
  await system.topic.send([message('told')]);
  await allEnded();
  await bridge.end('SIGTERM');
  const { exitCode, stdout } = await runCli(['orders', 'show', 'told'], {
    ...system.bridgeEnv,
    ...system.workerEnv,
    DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none',
  });
  expect(exitCode).toBe(1);
  expect(stdout).toMatch(/In Postgres\n {2}could not be read: .*ECONNREFUSED/);
  expect(stdout).toMatch(/completed/);
});

test('a failed order runs with a corrected message, and who did it and why is kept', async () => {
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
  expect((await correct('wrong', orderText('other'))).stderr).toContain(
    'about another order: "other", not "wrong"',
  );
  expect((await correct('wrong', orderText('wrong', { total_price: '-2' }))).stderr).toContain(
    'not a valid order: total_price: expected an amount that is not negative',
  );
  expect((await correct('right', orderText('right'))).stderr).toContain(
    '"right" runs or has been stored: nothing was corrected',
  );
  expect((await correct('wrong', corrected, '--dry-run')).stdout).toContain('is a valid order');
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

  // Both the message as it was and as it should have been are known now.
  await system.topic.send([
    message('wrong', { total_price: '-1' }),
    message('wrong', { total_price: '1' }),
  ]);
  await system.allCommitted();
  expect(bridge.events.filter(({ event }) => event === 'duplicate_order')).toHaveLength(2);
  expect(await system.topic.deadLetters()).toEqual([]);
  const account = await runCli(['reconcile'], { ...system.bridgeEnv, ...system.workerEnv });
  expect(account).toMatchObject({ exitCode: 0 });
  expect(account.stdout).toMatch(/Every message .* is accounted for/);
});

test('an order that Temporal has forgotten runs again with its message from the topic', async () => {
  await Promise.all([system.startBridge(), system.startWorker()]);
  await refuse('Mallory');
  const mallory = { customer_name: '"Mallory"' };
  await system.topic.send([
    message('conflict', mallory),
    message('conflict', { ...mallory, total_price: '1' }),
    message('stored'),
    message('forgotten', mallory),
    message('other', mallory),
    // As PHP and Python write them.
    message('escaped', { ...mallory, order_id: String.raw`"WC\/2026\/17"` }),
    message('escaped', { order_id: String.raw`"caf\u00e9-1"` }),
    message('escaped', { order_id: String.raw`"caf\u00e9-1"`, total_price: '1' }),
  ]);
  await allEnded();
  await system.topic.admin.deleteTopicRecords({
    topic: system.topic.name,
    partitions: [{ partition: 0, offset: '1' }],
  });
  for (const id of ['conflict', 'stored', 'forgotten', 'WC/2026/17']) {
    await system.client.workflowService.deleteWorkflowExecution({
      namespace: system.client.options.namespace,
      workflowExecution: { workflowId: system.workflowId(id) },
    });
    await eventually(async () => {
      await expect(system.workflow(id).describe()).rejects.toThrow('not found');
    });
  }
  await refuse(undefined);
  expect(await orders('rerun', 'forgotten', 'stored', 'other', '--dry-run')).toMatchObject({
    exitCode: 0,
    stdout: '2 orders would be run again, 1 left alone: they run or have completed.',
  });
  const ids = ['forgotten', 'stored', 'other', 'WC/2026/17', 'conflict'];
  const rerun = await orders('rerun', ...ids, '--yes', '--wait', '--json');
  expect(JSON.parse(rerun.stdout)).toEqual({
    dryRun: false,
    started: 3,
    leftAlone: 1,
    deadLetters: [{ orderId: 'conflict', partition: 0, offset: '1' }],
    gone: [],
    outcomes: { completed: 3 },
  });
  expect(rerun.stderr).toContain(
    'Not run, since the message is a dead letter: "conflict" (partition 0, offset 1)',
  );
  expect(rerun.exitCode).toBe(1);
  expect(await system.storedOrderIds()).toEqual(
    ['WC/2026/17', 'café-1', 'forgotten', 'other', 'stored'].sort(),
  );
  const show = await orders('show', 'café-1', '--json');
  expect(JSON.parse(show.stdout)).toMatchObject({
    deadLetters: [{ reason: 'conflicting-duplicate', sourceOffset: '7', replayed: false }],
  });
  const later = await orders('show', 'café-1', '--json', '--since', '2100-01-01T00:00Z');
  expect(JSON.parse(later.stdout)).toMatchObject({ deadLetters: [] });
});

test('a mistake is told plainly', async () => {
  expect((await orders('rerun')).stderr).toContain('Which orders to run again is not clear');
  expect((await orders('rerun', 'nobody')).stderr).toContain(
    'Neither Temporal nor the topic has "nobody"',
  );
  expect((await orders('list', '--query', 'no such thing')).stderr).toContain('correct --query');
  expect((await orders('list', '--status', 'odd')).exitCode).toBe(2);
});
