import { eventually } from '../support/eventually.ts';
import { orderText } from '../support/messages.ts';
import { runCli } from '../support/programs.ts';
import { uniqueName } from '../support/stack.ts';
import { createTestSystem, type TestSystem } from '../support/system.ts';

/** `order-ingest reconcile`, `replay` and `dead-letters`, as people call them. */
let system: TestSystem;
beforeEach(async () => {
  system = await createTestSystem();
});
afterEach(() => system.close());

const env = () => ({ ...system.bridgeEnv, ...system.workerEnv });
const cli = (...args: string[]) => runCli(args, env());
const order = (id: string, changes = {}) => ({ key: id, value: orderText(id, changes) });

async function reconcile(...args: string[]) {
  const { exitCode, stdout, stderr } = await cli('reconcile', '--json', ...args);
  expect(stderr).toBe('');
  return { exitCode, ...(JSON.parse(stdout) as { missing: unknown[]; totals: object }) };
}

/** Bridge and worker have dealt with all that is on the topic. */
async function allDone(running = 0): Promise<void> {
  await system.allCommitted();
  await eventually(async () => {
    const { count } = await system.client.workflow.count(
      `WorkflowId STARTS_WITH '${system.workflowId('')}' AND ExecutionStatus = 'Running'`,
    );
    expect(count).toBe(running);
  });
}

describe('reconcile', () => {
  test('tells stored, duplicate, failed, dead-lettered and in progress apart', async () => {
    const [bridge, worker] = await Promise.all([system.startBridge(), system.startWorker()]);
    await system.topic.send([
      order('a'),
      order('b'),
      order('a'),
      order('b', { total_price: '1' }),
      order('c', { line_items: '[]' }),
      { key: null, value: 'not JSON' },
      { key: null, value: null },
    ]);
    await allDone();
    await worker.end('SIGTERM');
    await system.topic.send([order('d'), order('d')]);
    await allDone(1);
    await bridge.end('SIGTERM');
    // Nobody has read it: outside of what the group has committed.
    await system.topic.send([order('e')]);
    const counts = { stored: 2, failed: 1, 'dead-lettered': 3, missing: 0 };
    expect(await reconcile()).toMatchObject({
      exitCode: 0,
      missing: [],
      totals: { ...counts, messages: 9, duplicate: 2, 'in-progress': 1 },
    });
    expect(await reconcile('--to', '10')).toMatchObject({
      exitCode: 0,
      totals: { ...counts, messages: 10, 'in-progress': 2 },
    });
    expect(await reconcile('--from', '3', '--to', '5')).toMatchObject({
      totals: { messages: 2, failed: 1, 'dead-lettered': 1 },
    });
  });

  test('finds a row that somebody has deleted, and a replay brings it back', async () => {
    const bridge = await system.startBridge();
    await system.startWorker();
    await system.topic.send(['a', 'b', 'c'].map((id) => order(id)));
    await allDone();
    await system.database.pool.query(
      "DELETE FROM order_line_items WHERE order_id = 'b'; DELETE FROM orders WHERE order_id = 'b'",
    );
    const { exitCode, stdout } = await cli('reconcile');
    expect(exitCode).toBe(1);
    expect(stdout).toContain(
      'missing: partition 0, offset 1, order "b": its workflow has completed, but there is no row in Postgres',
    );
    const range = ['--partition', '0', '--from', '0', '--to', '3'];
    // By itself a replay only repeats what has been done.
    expect((await cli('replay', ...range)).exitCode).toBe(0);
    expect(await reconcile()).toMatchObject({ exitCode: 1, totals: { missing: 1 } });
    expect((await cli('replay', ...range, '--completed')).exitCode).toBe(0);
    await allDone();
    expect(await reconcile()).toMatchObject({ exitCode: 0, totals: { stored: 3, missing: 0 } });
    expect(await system.topic.lag()).toBe(0);
    expect(bridge.events.filter(({ event }) => event === 'commit_failed')).toEqual([]);
  });

  test('finds messages that a broken bridge has committed without an outcome', async () => {
    await system.topic.send([order('a'), { key: null, value: 'not JSON' }]);
    await system.topic.admin.setOffsets({
      groupId: system.topic.groupId,
      topic: system.topic.name,
      partitions: [{ partition: 0, offset: '2' }],
    });
    const account = await reconcile();
    expect(account).toMatchObject({ exitCode: 1, totals: { messages: 2, missing: 2 } });
    expect(account.missing).toMatchObject([
      { offset: '0', orderId: 'a', why: expect.stringContaining('neither') },
      { offset: '1', why: expect.stringContaining('no dead letter') },
    ]);
    await system.startWorker();
    const replay = await cli('replay', '--partition', '0', '--from', '0', '--to', '2', '--json');
    expect(JSON.parse(replay.stdout)).toMatchObject({ started: 1, deadLetters: { 'not-json': 1 } });
    await allDone();
    expect(await reconcile()).toMatchObject({
      exitCode: 0,
      totals: { stored: 1, 'dead-lettered': 1 },
    });
  });
});

describe('dead letters', () => {
  const list = async (...args: string[]) => {
    const { stdout } = await cli('dead-letters', 'list', '--json', ...args);
    return stdout
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as { letter: string; attempt: number; replayed: boolean });
  };

  test('are listed by reason, shown whole, and sent again once, until they have been tried enough', async () => {
    await system.startBridge();
    const headers = { trace: Buffer.from([1, 255]) };
    await system.topic.send([
      { key: 'k', value: 'not JSON', headers },
      { key: null, value: '[]' },
      { key: null, value: 'nor this' },
    ]);
    await system.allCommitted();
    expect(await list()).toHaveLength(3);
    const [first] = await list('--reason', 'not-json');
    expect(first).toMatchObject({ reason: 'not-json', sourceOffset: '0', attempt: 1, key: 'k' });
    const shown = await cli('dead-letters', 'show', first?.letter ?? '', '--json');
    expect(JSON.parse(shown.stdout)).toMatchObject({
      value: 'not JSON',
      headers: { trace: { base64: Buffer.from([1, 255]).toString('base64') } },
    });

    const replay = async (...args: string[]) =>
      JSON.parse((await cli('dead-letters', 'replay', '--json', ...args)).stdout) as object;
    expect(await replay('--reason', 'not-json', '--dry-run')).toMatchObject({ replayed: 2 });
    expect(await system.topic.lag()).toBe(0);
    expect(await list()).toHaveLength(3);

    expect(await replay('--reason', 'not-json', '--batch-size', '1')).toMatchObject({
      replayed: 2,
    });
    await system.allCommitted();
    const again = (await list()).filter(({ attempt }) => attempt === 2);
    expect(again).toHaveLength(2);
    expect(await replay('--reason', 'not-json', '--max-attempts', '2')).toEqual({
      dryRun: false,
      replayed: 0,
      replayedBefore: 2,
      tooManyAttempts: 2,
      otherTopic: 0,
    });
    const [letter] = (await system.topic.deadLetters()).slice(-2);
    expect(letter?.value?.toString()).toBe('not JSON');
    expect(letter?.headers['trace']).toEqual(Buffer.from([1, 255]));
  });

  test('a replay that is killed between two batches goes on where it was', async () => {
    await system.startBridge({ BRIDGE_BREAKER_MAX_PERCENT: '100' });
    const count = 60;
    const id = uniqueName('bad');
    await system.topic.send(
      Array.from({ length: count }, (_, n) => ({ key: `${id}-${n}`, value: `bad ${n}` })),
    );
    await system.allCommitted();
    const first = await cli(
      'dead-letters',
      'replay',
      '--limit',
      '25',
      '--batch-size',
      '10',
      '--json',
    );
    expect(JSON.parse(first.stdout)).toMatchObject({ replayed: 25 });
    await system.allCommitted();
    const rest = await cli('dead-letters', 'replay', '--max-attempts', '2', '--json');
    expect(JSON.parse(rest.stdout)).toMatchObject({ replayed: count - 25, replayedBefore: 25 });
    await system.allCommitted();
    const sent = (await list()).filter(({ attempt }) => attempt === 2);
    expect(sent).toHaveLength(count);
  });
});

describe('lag', () => {
  const partitions = async () => {
    const { exitCode, stdout, stderr } = await cli('lag', '--json', '--interval', '1');
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    return (JSON.parse(stdout) as { partitions: unknown[] }).partitions;
  };

  test('says how much is to be read, and that it is not moving or done', async () => {
    await system.topic.send(['a', 'b', 'c'].map((id) => order(id)));
    expect(await partitions()).toEqual([
      { partition: 0, committed: null, end: '3', lag: '3', perSecond: 0 },
    ]);
    expect((await cli('lag', '--interval', '1')).stdout).toMatch(
      /^ +0 +none +3 +3 +0\.0 +does not move$/m,
    );
    await system.startBridge();
    await system.allCommitted();
    expect(await partitions()).toMatchObject([
      { committed: '3', end: '3', lag: '0', drainsInSeconds: 0 },
    ]);
  });
});
