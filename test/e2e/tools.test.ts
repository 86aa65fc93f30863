import { randomBytes } from 'node:crypto';
import path from 'node:path';
import kafkajs from 'kafkajs';
import { eventually } from '../support/eventually.ts';
import { createTopics } from '../support/kafka.ts';
import { orderText } from '../support/messages.ts';
import { runCli, startCli, type RunningCommand } from '../support/programs.ts';
import { createTestSystem, type TestSystem } from '../support/system.ts';

/** The commands reconcile, replay, dead-letters and lag, run as an operator runs them. */
let system: TestSystem;
/** Those of the test's messages. */
const orderIds = new Set<string>();
beforeEach(async () => {
  orderIds.clear();
  system = await createTestSystem();
});
afterEach(() => system.close());

const env = () => ({ ...system.bridgeEnv, ...system.workerEnv });
const cli = (...args: string[]) => runCli(args, env());
const order = (id: string, changes = {}) => {
  orderIds.add(id);
  return { key: id, value: orderText(id, changes) };
};

async function reconcile(...args: string[]) {
  const { exitCode, stdout, stderr } = await cli('reconcile', '--json', ...args);
  expect(stderr).toBe('');
  return { exitCode, ...(JSON.parse(stdout) as { missing: unknown[]; totals: object }) };
}

/** Bridge and worker have dealt with all that is on the topic. */
async function allDone(running = 0): Promise<void> {
  await system.allCommitted();
  await eventually(async () => {
    // Not by a query: Temporal's visibility may be behind.
    const statuses = await Promise.all([...orderIds].map((id) => system.status(id)));
    expect(statuses.filter((status) => status === 'RUNNING')).toHaveLength(running);
  });
}

describe('reconcile', () => {
  test('distinguishes stored, duplicate, failed, dead-lettered and in-progress messages', async () => {
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
    // No bridge has read it, so it is beyond the committed offset.
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

  test('finds a deleted row, and a replay restores it', async () => {
    const bridge = await system.startBridge();
    await system.startWorker();
    await system.topic.send(['a', 'b', 'c'].map((id) => order(id)));
    await allDone();
    await deleteRow('b');
    const { exitCode, stdout } = await cli('reconcile');
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(/^missing: partition 0, offset 1, order "b": /m);
    const range = ['--partition', '0', '--from', '0', '--to', '3'];
    // Without --completed, a replay does not re-run completed orders.
    expect((await cli('replay', ...range)).exitCode).toBe(0);
    expect(await reconcile()).toMatchObject({ exitCode: 1, totals: { missing: 1 } });
    expect((await cli('replay', ...range, '--completed')).exitCode).toBe(0);
    await allDone();
    expect(await reconcile()).toMatchObject({ exitCode: 0, totals: { stored: 3, missing: 0 } });
    expect(await system.topic.lag()).toBe(0);
    expect(bridge.events.filter(({ event }) => event === 'commit_failed')).toEqual([]);
  });

  test('finds messages that were committed without an outcome', async () => {
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

/** Deletes an order from the database. */
const deleteRow = (orderId: string) =>
  system.database.pool.query(
    `DELETE FROM order_line_items WHERE order_id = '${orderId}'; DELETE FROM orders WHERE order_id = '${orderId}'`,
  );

describe('reconcile and replay', () => {
  test('do not mistake a dead letter of a deleted topic for one of the recreated topic', async () => {
    const { name, groupId, admin, kafka } = system.topic;
    const bridge = await system.startBridge();
    await system.topic.send([{ key: null, value: 'not JSON' }]);
    await system.allCommitted();
    await bridge.end('SIGTERM');
    await admin.deleteTopics({ topics: [name] });
    await eventually(() => createTopics(kafka, [{ topic: name, numPartitions: 1 }]));
    await eventually(() => system.topic.send([order('new')]));
    const [end] = await admin.fetchTopicOffsets(name);
    await admin.setOffsets({
      groupId,
      topic: name,
      partitions: [{ partition: 0, offset: end?.high ?? '' }],
    });
    expect(await reconcile()).toMatchObject({
      exitCode: 1,
      totals: { missing: 1, 'dead-lettered': 0 },
      missing: [{ offset: '0', orderId: 'new' }],
    });
    const replay = await cli('replay', '--partition', '0', '--from', '0', '--to', '1', '--json');
    expect(JSON.parse(replay.stdout)).toMatchObject({ started: 1, deadLettersBefore: 0 });
    await system.startWorker();
    await allDone();
    expect(await reconcile()).toMatchObject({ exitCode: 0, totals: { stored: 1, missing: 0 } });
  });

  test('restore a row whose first message is gone, and a row that was corrected', async () => {
    await Promise.all([system.startBridge(), system.startWorker()]);
    const wrong = order('wrong', { total_price: '-1' });
    await system.topic.send([order('again'), order('again'), order('again'), wrong]);
    await allDone();
    const correct = ['orders', 'correct', 'wrong', '--payload', '-', '--reason', 'sign', '--wait'];
    const corrected = orderText('wrong', { total_price: '1' });
    expect(await runCli([...correct, '--by', 'Grace'], env(), corrected)).toMatchObject({
      exitCode: 0,
    });
    await system.topic.admin.deleteTopicRecords({
      topic: system.topic.name,
      partitions: [{ partition: 0, offset: '1' }],
    });
    await deleteRow('again');
    await deleteRow('wrong');
    const NO_ROW = expect.stringContaining('no row in Postgres');
    const account = await reconcile();
    expect(account).toMatchObject({ exitCode: 1, totals: { messages: 3, missing: 3 } });
    expect(account.missing).toMatchObject([
      { offset: '1', orderId: 'again', why: NO_ROW },
      { offset: '2', orderId: 'again', why: NO_ROW },
      { offset: '3', orderId: 'wrong', why: NO_ROW },
    ]);
    const range = ['--partition', '0', '--from', '1', '--to', '4', '--json'];
    const replay = await cli('replay', ...range, '--completed');
    expect(JSON.parse(replay.stdout)).toMatchObject({ started: 2, duplicates: 1, deadLetters: {} });
    await allDone();
    expect(await reconcile()).toMatchObject({
      exitCode: 0,
      totals: { stored: 1, duplicate: 2, missing: 0 },
    });
    const { rows } = await system.database.pool.query(
      'SELECT order_id, total_price, source_offset, corrected_by FROM orders ORDER BY order_id',
    );
    expect(rows).toEqual([
      { order_id: 'again', total_price: '99.95', source_offset: '0', corrected_by: null },
      { order_id: 'wrong', total_price: '1', source_offset: '3', corrected_by: 'Grace' },
    ]);
    // The corrected message still counts as a duplicate.
    await system.topic.send([{ key: 'wrong', value: corrected }]);
    await allDone();
    expect(await system.topic.deadLetters()).toEqual([]);
  });
});

describe('dead letters', () => {
  /** One message at a time, so that the dead letters have the order of their messages. */
  const IN_ORDER = { BRIDGE_MAX_CONCURRENT_STARTS: '1' };

  const list = async (...args: string[]) => {
    const { stdout } = await cli('dead-letters', 'list', '--json', ...args);
    return stdout
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as { letter: string; attempt: number; replayed: boolean });
  };

  test('are listed by reason, shown in full, and requeued once each, up to a number of attempts', async () => {
    await system.startBridge(IN_ORDER);
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

    const requeue = async (...args: string[]) =>
      JSON.parse((await cli('dead-letters', 'requeue', '--json', ...args)).stdout) as object;
    expect(await requeue('--reason', 'not-json', '--dry-run')).toMatchObject({ replayed: 2 });
    expect(await system.topic.lag()).toBe(0);
    expect(await list()).toHaveLength(3);
    const unknown = await cli(
      'dead-letters',
      'requeue',
      first?.letter ?? '',
      '0:99999',
      '--dry-run',
    );
    expect(unknown).toMatchObject({
      exitCode: 1,
      stderr: expect.stringMatching(/DEAD_LETTER_NOT_FOUND.*0:99999/),
    });

    expect(await requeue('--reason', 'not-json', '--batch-size', '1')).toMatchObject({
      replayed: 2,
    });
    await system.allCommitted();
    const again = (await list()).filter(({ attempt }) => attempt === 2);
    expect(again).toHaveLength(2);
    expect(await requeue('--reason', 'not-json', '--max-attempts', '2')).toEqual({
      dryRun: false,
      replayed: 0,
      replayedBefore: 2,
      tooManyAttempts: 2,
      otherTopic: 0,
      notSent: [],
      notFound: [],
    });
    const [deadLetter] = (await system.topic.deadLetters()).slice(-2);
    expect(deadLetter?.value?.toString()).toBe('not JSON');
    expect(deadLetter?.headers['trace']).toEqual(Buffer.from([1, 255]));
  });

  describe('while a requeue has a transaction open', () => {
    const COUNT = 20;
    const requeue = ['dead-letters', 'requeue', '--json', '--batch-size', '5'];
    const held: RunningCommand[] = [];
    beforeEach(async () => {
      const bridge = await system.startBridge({ BRIDGE_BREAKER_MAX_PERCENT: '100' });
      await system.topic.send(
        Array.from({ length: COUNT }, (_, n) => ({ key: `${n}`, value: `bad ${n}` })),
      );
      await system.allCommitted();
      await bridge.end('SIGTERM');
    });
    afterEach(() => {
      for (const command of held.splice(0)) command.kill('SIGKILL');
    });

    const holdCommits = `--import=${path.join(import.meta.dirname, '../support/hold-commits.mjs')}`;
    /** A requeue that has sent messages in a transaction and commits it only after a SIGUSR2. */
    async function holdRequeue() {
      const command = startCli(requeue, { ...env(), NODE_OPTIONS: holdCommits });
      held.push(command);
      await command.printed('a commit is held');
      return command;
    }

    async function expectEachSentOnce() {
      await system.startBridge({ BRIDGE_BREAKER_MAX_PERCENT: '100' });
      await system.allCommitted();
      const deadLetters = await list();
      expect(deadLetters.filter(({ attempt }) => attempt === 2)).toHaveLength(COUNT);
      expect(deadLetters.filter(({ replayed }) => replayed)).toHaveLength(COUNT);
    }

    test('after a kill, the next requeue aborts that transaction and sends each message once', async () => {
      const killed = await holdRequeue();
      killed.kill('SIGKILL');
      expect((await killed.result).exitCode).toBeUndefined();
      const next = await cli(...requeue);
      expect(next).toMatchObject({ exitCode: 0, stderr: '' });
      expect(JSON.parse(next.stdout)).toMatchObject({ replayed: COUNT, replayedBefore: 0 });
      await expectEachSentOnce();
    });

    test('a second requeue takes over, and the first one fails', async () => {
      const first = await holdRequeue();
      const second = await cli(...requeue);
      expect(second).toMatchObject({ exitCode: 0, stderr: '' });
      expect(JSON.parse(second.stdout)).toMatchObject({ replayed: COUNT, replayedBefore: 0 });
      first.kill('SIGUSR2');
      const loser = await first.result;
      expect(loser).toMatchObject({ exitCode: 1, stdout: '' });
      expect(loser.stderr).toMatch(/KAFKA_TRANSACTION_FENCED.*\(0 sent before\)/);
      await expectEachSentOnce();
    });
  });

  test('that are too large lack their value or are reported by a requeue; all others are sent', async () => {
    const setLimit = (bytes: number) =>
      alterTopic(system.topic.name, 'max.message.bytes', String(bytes));
    await setLimit(3_000_000);
    const bridge = await system.startBridge({ ...IN_ORDER, BRIDGE_BREAKER_MAX_PERCENT: '100' });
    const producer = system.topic.kafka.producer();
    await producer.connect();
    for (const value of [...Array.from({ length: 5 }, () => 600_000), 1_600_000]) {
      await producer.send({
        topic: system.topic.name,
        compression: kafkajs.CompressionTypes.GZIP,
        messages: [{ key: 'compressed', value: Buffer.alloc(value, 'x') }],
      });
    }
    await producer.disconnect();
    await system.topic.send([{ key: 'large', value: randomBytes(900_000) }]);
    await system.topic.send([{ key: 'too large', value: randomBytes(1_500_000) }]);
    await system.topic.send([order('a')]);
    await system.allCommitted();
    await bridge.end('SIGTERM');
    const deadLetters = await system.topic.deadLetters();
    expect(deadLetters.map(({ key, value }) => [key, value?.length])).toEqual([
      ...Array.from({ length: 5 }, () => ['compressed', 600_000]),
      ['compressed', 1_600_000],
      ['large', 900_000],
      ['too large', undefined],
    ]);
    expect(String(deadLetters.at(-1)?.headers['dead-letter.value.omitted-bytes'])).toBe('1500000');
    expect((await cli('dead-letters', 'show', '0:7')).stdout).toMatch(/^value +1500000 bytes, /m);

    await setLimit(500_000);
    // `replay` is the command's former name.
    const requeue = await cli('dead-letters', 'replay', '--json');
    expect(requeue.exitCode).toBe(1);
    expect(requeue.stderr).toContain('DEAD_LETTER_INCOMPLETE');
    const { replayed, notSent } = JSON.parse(requeue.stdout) as {
      replayed: number;
      notSent: { letter: string }[];
    };
    expect(replayed).toBe(6);
    // Their order depends on how many are fetched at once.
    expect(notSent.toSorted((a, b) => a.letter.localeCompare(b.letter))).toMatchObject([
      { letter: '0:6', reason: expect.stringContaining('max.message.bytes') },
      { letter: '0:7', source: { partition: 0, offset: '7' } },
    ]);
    const again = await cli('dead-letters', 'requeue');
    expect(again.exitCode).toBe(1);
    expect(again.stdout).toMatch(/^0 dead letters .*\n6 skipped: /);
    expect(again.stdout).toMatch(/^0:7 not sent: .*1500000 bytes.*partition 0, offset 7 /m);
  });
});

const alterTopic = (topic: string, name: string, value: string) =>
  system.topic.admin.alterConfigs({
    validateOnly: false,
    resources: [
      {
        type: kafkajs.ConfigResourceTypes.TOPIC,
        name: topic,
        configEntries: [{ name, value }],
      },
    ],
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
      /^ +0 +none +3 +3 +0\.0 +not moving$/m,
    );
    await system.startBridge();
    await system.allCommitted();
    expect(await partitions()).toMatchObject([
      { committed: '3', end: '3', lag: '0', drainsInSeconds: 0 },
    ]);
  });
});
