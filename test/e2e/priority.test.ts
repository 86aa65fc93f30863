import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { eventually } from '../support/eventually.ts';
import { orderText } from '../support/messages.ts';
import { MAIN, runCli } from '../support/programs.ts';
import { createTestSystem, type TestSystem } from '../support/system.ts';

/** What an order module prefers, from the message to Temporal, and what runs again at low priority. */
const dir = mkdtempSync(path.join(tmpdir(), 'order-module-'));
const ORDER_MODULE = path.join(dir, 'order.mjs');
// The built-in order with a field `start`.
writeFileSync(
  ORDER_MODULE,
  `import { orderModule } from ${JSON.stringify(path.join(MAIN, '../../order/order-module.js'))};
   const digits = (field) => (field === undefined ? undefined : Number(field));
   export default {
     ...orderModule,
     identify(message) {
       const identification = orderModule.identify(message);
       const { priority, fairnessKey, startDelayMs } = message.start ?? {};
       const start = { priority: digits(priority), fairnessKey, startDelayMs: digits(startDelayMs) };
       return { ...identification, start };
     },
   };`,
);
afterAll(() => {
  rmSync(dir, { recursive: true });
});

let system: TestSystem;
beforeEach(async () => {
  system = await createTestSystem();
});
afterEach(() => system.close());

const cli = (...args: string[]) =>
  runCli(args, { ...system.bridgeEnv, ...system.workerEnv, ORDER_MODULE });
const order = (id: string, start: Readonly<Record<string, string>>, changes = {}) => ({
  key: id,
  value: orderText(id, { start: JSON.stringify(start), ...changes }),
});

interface Shown {
  readonly temporal: { readonly priority?: number; readonly fairnessKey?: string };
}

/** The priority and the fairness key of the order's latest run. */
async function schedulingOf(id: string): Promise<readonly unknown[]> {
  const { temporal } = JSON.parse(await succeeds('orders', 'show', id, '--json')) as Shown;
  return [temporal.priority, temporal.fairnessKey];
}

async function succeeds(...args: string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await cli(...args);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  return stdout;
}

const URGENT = { priority: '1', fairnessKey: 'C-7' };
const INVALID = { line_items: '[]' };

test('re-runs and replays start at low priority or that of --priority, corrections at their own, all with the same fairness key', async () => {
  await Promise.all([system.startBridge({ ORDER_MODULE }), system.startWorker({ ORDER_MODULE })]);
  await system.topic.send([order('stored', URGENT), order('invalid', URGENT, INVALID)]);
  await system.allCommitted();
  await eventually(async () => {
    expect(await system.status('stored')).toBe('COMPLETED');
    expect(await system.status('invalid')).toBe('FAILED');
  });
  expect(await schedulingOf('invalid')).toEqual([1, 'C-7']);

  expect((await cli('orders', 'rerun', 'invalid', '--wait')).exitCode).toBe(1);
  expect(await schedulingOf('invalid')).toEqual([5, 'C-7']);
  expect((await cli('orders', 'rerun', 'invalid', '--wait', '--priority', '2')).exitCode).toBe(1);
  expect(await schedulingOf('invalid')).toEqual([2, 'C-7']);
  const payload = path.join(dir, 'corrected.json');
  writeFileSync(payload, orderText('invalid', { start: JSON.stringify(URGENT) }));
  await succeeds('orders', 'correct', 'invalid', '--payload', payload, '--reason', 'r', '--wait');
  expect(await schedulingOf('invalid')).toEqual([1, 'C-7']);

  const range = ['--partition', '0', '--from', '0', '--to', '1', '--completed'];
  await succeeds('replay', ...range);
  expect(await schedulingOf('stored')).toEqual([5, 'C-7']);
  await eventually(async () => {
    expect(await system.status('stored')).toBe('COMPLETED');
  });
  await succeeds('replay', ...range, '--priority', '4');
  expect(await schedulingOf('stored')).toEqual([4, 'C-7']);
  const { stderr } = await cli('replay', ...range, '--priority', '0');
  expect(stderr).toContain('expected a number from 1 to 5');
});

test('a requeued dead letter starts at low priority, or at that of the requeue', async () => {
  const long = { customer_name: JSON.stringify('x'.repeat(900)) };
  const small = await system.startBridge({ ORDER_MODULE, BRIDGE_MAX_INPUT_BYTES: '1024' });
  for (const id of ['first', 'second']) {
    await system.topic.send([order(id, URGENT, long)]);
    await system.allCommitted();
  }
  await small.end('SIGTERM');
  expect(await system.topic.deadLetters()).toHaveLength(2);
  await system.startBridge({ ORDER_MODULE });
  await succeeds('dead-letters', 'requeue', '--limit', '1');
  await succeeds('dead-letters', 'requeue', '--priority', '2');
  await system.allCommitted();
  expect(await schedulingOf('first')).toEqual([5, 'C-7']);
  expect(await schedulingOf('second')).toEqual([2, 'C-7']);
});

test('an order that waits for its start delay is in progress, and the tools say so', async () => {
  await Promise.all([system.startBridge({ ORDER_MODULE }), system.startWorker({ ORDER_MODULE })]);
  await system.topic.send([
    order('later', { startDelayMs: '3600000' }),
    order('soon', { startDelayMs: '1500' }),
    order('now', {}),
  ]);
  await system.allCommitted();
  await eventually(async () => {
    expect(await system.storedOrderIds()).toEqual(['now', 'soon']);
  });
  expect(await succeeds('orders', 'show', 'later')).toContain(
    'waiting for the end of its start delay at ',
  );
  await eventually(async () => {
    expect(await succeeds('orders', 'list', '--status', 'running')).toMatch(
      /later +running .* delayed until /,
    );
  });
  expect(JSON.parse(await succeeds('reconcile', '--json'))).toMatchObject({
    totals: { stored: 2, 'in-progress': 1, missing: 0 },
  });
  expect(JSON.parse(await succeeds('orders', 'rerun', 'later', '--json'))).toMatchObject({
    leftAlone: 1,
  });
  expect(await succeeds('top', '--count', '1')).toContain(
    '1 workflows running, 1 of them waiting for the end of their start delay',
  );

  await succeeds('orders', 'cancel', 'later');
  await eventually(async () => {
    expect(await system.status('later')).toBe('CANCELLED');
  });
  expect(await system.storedOrderIds()).toEqual(['now', 'soon']);
});
