import { eventually } from '../support/eventually.ts';
import { createTestTopic, type TestTopic } from '../support/kafka.ts';
import { orderText } from '../support/messages.ts';
import { runCli, type ProgramEnv, type RunningProgram } from '../support/programs.ts';
import { uniqueName } from '../support/stack.ts';
import { createTestSystem, type TestSystem } from '../support/system.ts';

/** A system whose bridges read two topics of different sizes: three partitions and one. */
let system: TestSystem;
let eu: TestTopic;
let us: TestTopic;
beforeEach(async () => {
  system = await createTestSystem({ partitions: 3 });
  eu = system.topic;
  us = await createTestTopic({ partitions: 1, groupId: eu.groupId });
});
afterEach(async () => {
  await us.close();
  await system.close();
});

const topics = (): ProgramEnv => ({
  KAFKA_TOPIC: `${eu.name}, ${us.name}`,
  BRIDGE_LAG_INTERVAL_MS: '200',
  KAFKA_METADATA_MAX_AGE_MS: '1000',
});
const env = () => ({
  ...system.bridgeEnv,
  ...system.workerEnv,
  ...topics(),
  // A busy machine may take long.
  DATABASE_CONNECT_TIMEOUT_MS: '20000',
});
const cli = (...args: readonly string[]) => runCli(args, env());

/** One order per partition of each topic, with IDs such as `1-eu-0`. */
async function sendRound(round: number): Promise<readonly string[]> {
  const orders = (place: string, partitions: readonly number[]) =>
    partitions.map((partition) => {
      const id = `${round}-${place}-${partition}`;
      return { key: id, value: orderText(id), partition };
    });
  const [ofEu, ofUs] = [orders('eu', [0, 1, 2]), orders('us', [0])];
  await Promise.all([eu.send(ofEu), us.send(ofUs)]);
  return [...ofEu, ...ofUs].map(({ key }) => key);
}

const expectStored = (ids: readonly string[]) =>
  eventually(async () => {
    expect(await system.storedOrderIds()).toEqual([...ids].sort());
  });

const allCommitted = () =>
  eventually(async () => {
    expect([await eu.lag(), await us.lag()]).toEqual([0, 0]);
  });

/** The topics and partitions whose committed offset a bridge reports: those that it reads. */
async function ownPartitions(bridge: RunningProgram): Promise<readonly string[]> {
  const { body } = await bridge.http('GET', '/metrics');
  const series = /^order_ingest_committed_offset\{topic="([^"]+)",partition="(\d+)"\}/gm;
  return [...body.matchAll(series)].map(([, topic, partition]) => `${topic}/${partition}`);
}

const allPartitions = () => [0, 1, 2].map((one) => `${eu.name}/${one}`).concat(`${us.name}/0`);

test('two bridges share the partitions of both topics, and whoever is left reads all of them', async () => {
  const { bridge: first } = await system.startPair({ bridge: topics() });
  const ids = [...(await sendRound(1))];
  await expectStored(ids);
  const second = await system.startBridge(topics());
  await eventually(async () => {
    const [own, others] = await Promise.all([first, second].map(ownPartitions));
    expect([...(own ?? []), ...(others ?? [])].sort()).toEqual([...allPartitions()].sort());
    expect([own?.length, others?.length]).toEqual([2, 2]);
  });
  ids.push(...(await sendRound(2)));
  await expectStored(ids);
  expect(await first.end('SIGTERM')).toBe(0);
  ids.push(...(await sendRound(3)));
  await expectStored(ids);
  await allCommitted();
  const { body } = await second.http('GET', '/readyz');
  expect(JSON.parse(body)).toMatchObject({ status: 'ready' });
});

test('an order ID that was on one topic is a duplicate or a conflict on the other', async () => {
  await system.startPair({ bridge: topics() });
  await eu.send([{ key: 'a', value: orderText('a'), partition: 0 }]);
  await expectStored(['a']);
  await us.send([
    { key: 'a', value: orderText('a') },
    { key: 'a', value: orderText('a', { total_price: '1' }) },
  ]);
  await allCommitted();
  expect(await us.deadLetters()).toMatchObject([{ key: 'a', reason: 'conflicting-duplicate' }]);
  expect(await eu.deadLetters()).toEqual([]);
});

test('a topic that is added to those of a group is read from its beginning, and the other where it was', async () => {
  const latest = { ...topics(), KAFKA_AUTO_OFFSET_RESET: 'latest' };
  const { bridge: before } = await system.startPair({
    bridge: { ...latest, KAFKA_TOPIC: eu.name },
  });
  await eu.send([{ key: 'a', value: orderText('a') }]);
  await expectStored(['a']);
  await allCommittedOf(eu);
  expect(await before.end('SIGTERM')).toBe(0);
  await us.send([{ key: 'b', value: orderText('b') }]);
  const after = await system.startBridge(latest);
  await expectStored(['a', 'b']);
  await allCommitted();
  await after.logged('bridge_progress', ({ read }) => read === 1);
  expect(await after.end('SIGTERM')).toBe(0);
  const progress = after.events.filter(({ event }) => event === 'bridge_progress');
  expect(progress.at(-1)).toMatchObject({ read: 1, started: 1 });
});

const allCommittedOf = (topic: TestTopic) =>
  eventually(async () => {
    expect(await topic.lag()).toBe(0);
  });

test('bridges of a new group that start together under latest all run, and skip what was there', async () => {
  await eu.send([{ key: 'old', value: orderText('old') }]);
  const env = { KAFKA_AUTO_OFFSET_RESET: 'latest' };
  const [{ bridge: one }, other] = await Promise.all([
    system.startPair({ bridge: env }),
    system.startBridge(env),
  ]);
  const orders = [0, 1, 2].map((partition) => {
    const key = `new-${partition}`;
    return { key, value: orderText(key), partition };
  });
  await eu.send(orders);
  await expectStored(orders.map(({ key }) => key));
  await allCommittedOf(eu);
  expect([one, other].map((bridge) => bridge.exitStatus())).toEqual([undefined, undefined]);
});

test('while a topic is missing the other is read, and the bridge names the missing one', async () => {
  const { bridge } = await system.startPair({ bridge: topics() });
  const ids = [...(await sendRound(1))];
  await expectStored(ids);
  await us.admin.deleteTopics({ topics: [us.name] });
  const notReady = async (of: RunningProgram) => {
    const { status, body } = await of.http('GET', '/readyz');
    expect(status).toBe(503);
    expect(body).toContain(`\\"${us.name}\\" does not exist`);
  };
  await eventually(() => notReady(bridge));
  await eu.send([{ key: 'b', value: orderText('b') }]);
  ids.push('b');
  await expectStored(ids);
  await allCommittedOf(eu);
  // Nor does it keep another bridge from starting.
  const second = await system.startBridge(topics());
  expect(await second.logged('topic_missing')).toMatchObject({ topic: us.name });
  await eventually(() => notReady(second));
  await eventually(() =>
    us.admin.createTopics({
      waitForLeaders: false,
      topics: [{ topic: us.name, numPartitions: 2 }],
    }),
  );
  // A new producer: kafkajs drops messages to a partition that it does not know yet.
  const producer = us.kafka.producer();
  await producer.connect();
  const messages = ['c', 'd'].map((key, partition) => ({ key, value: orderText(key), partition }));
  await eventually(() => producer.send({ topic: us.name, messages }));
  await producer.disconnect();
  ids.push('c', 'd');
  await expectStored(ids);
  for (const one of [bridge, second]) {
    await eventually(async () => {
      expect(await one.http('GET', '/readyz')).toMatchObject({ status: 200 });
    });
  }
});

describe('the tools', () => {
  const broken = { key: null, value: 'not JSON' };
  let bridge: RunningProgram;
  beforeEach(async () => {
    ({ bridge } = await system.startPair({ bridge: topics() }));
    const ids = await sendRound(1);
    await eu.send([{ ...broken, partition: 2 }]);
    await us.send([broken, broken]);
    await expectStored(ids);
    await allCommitted();
  });

  test('lag, top, doctor and reconcile cover both topics', async () => {
    const lag = await cli('lag', '--interval', '1', '--json');
    expect(jsonLines(lag.stdout)).toMatchObject([
      { topic: eu.name, partitions: [{ committed: '1' }, { committed: '1' }, { committed: '2' }] },
      { topic: us.name, partitions: [{ partition: 0, committed: '3', lag: '0' }] },
    ]);
    const { stdout: table } = await cli('lag', '--interval', '1');
    expect(table).toMatch(new RegExp(`^${us.name} +0 +3 +3 +0`, 'm'));

    const top = await cli('top', '--json', '--count', '1', '--interval', '1');
    expect(jsonLines(top.stdout)).toMatchObject([
      { kafka: { end: 7, committed: 7, topics: [{ end: 4 }, { topic: us.name, end: 3 }] } },
    ]);

    const doctor = jsonLines((await cli('doctor', '--json')).stdout) as Finding[];
    const details = (check: string) =>
      doctor.filter((finding) => finding.check === check).map(({ detail }) => detail);
    expect(details('Kafka: topic').join()).toContain(us.name);
    expect(details('Kafka: dead-letter topic')).toHaveLength(2);
    expect(doctor.find(({ check }) => check === 'Kafka: consumer group')?.state).toBe('ok');

    const all = await cli('reconcile', '--json');
    expect({ exitCode: all.exitCode, results: jsonLines(all.stdout) }).toMatchObject({
      exitCode: 0,
      results: [
        { topic: eu.name, totals: { messages: 4, stored: 3, 'dead-lettered': 1 } },
        { topic: us.name, totals: { messages: 3, stored: 1, 'dead-lettered': 2 } },
      ],
    });
    const one = await cli('reconcile', '--topic', us.name, '--partition', '0', '--from', '1');
    expect(one.stdout).toMatch(/^ *all +2 /m);
    expect(await cli('reconcile', '--partition', '0')).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('TOPIC_REQUIRED'),
    });
  });

  test('replay, orders and produce take the topic', async () => {
    await system.database.pool.query(`DELETE FROM order_line_items WHERE order_id = '1-us-0'`);
    await system.database.pool.query(`DELETE FROM orders WHERE order_id = '1-us-0'`);
    const { stdout } = await cli('reconcile');
    expect(stdout).toMatch(new RegExp(`^missing: ${us.name}, partition 0, offset 0, order`, 'm'));
    const range = ['--partition', '0', '--from', '0', '--to', '1', '--completed', '--json'];
    expect(await cli('replay', ...range)).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining(us.name),
    });
    const replay = await cli('replay', '--topic', us.name, ...range);
    expect(JSON.parse(replay.stdout)).toMatchObject({ read: 1, started: 1 });
    await eventually(async () => {
      expect(await system.storedOrderIds()).toContain('1-us-0');
    });

    const shown = await cli('orders', 'show', '1-us-0', '--json');
    expect(JSON.parse(shown.stdout)).toMatchObject({ stored: { source: `${us.name}/0/0` } });
    const listed = jsonLines((await cli('orders', 'list', '--json')).stdout) as OrderLine[];
    const sources = listed.map(({ source }) => source.topic);
    expect(new Set(sources)).toEqual(new Set([eu.name, us.name]));

    expect(await cli('produce', '--sample', '1')).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('TOPIC_REQUIRED'),
    });
    expect(await cli('produce', '--topic', 'other', '--sample', '1')).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('TOPIC_UNKNOWN'),
    });
    const produced = await cli('produce', '--topic', us.name, '--sample', '2', '--json');
    expect(JSON.parse(produced.stdout)).toMatchObject({ sent: 2, topic: us.name });
    await eventually(async () => {
      expect(await system.storedOrderIds()).toHaveLength(6);
    });
  });

  test('a dead letter is shown by its source topic and ID, and requeued to its topic', async () => {
    const listed = jsonLines((await cli('dead-letters', 'list', '--json')).stdout);
    expect(listed).toMatchObject([
      { letter: '0:0', sourceTopic: eu.name, sourcePartition: 2 },
      { letter: '0:0', sourceTopic: us.name },
      { letter: '0:1', sourceTopic: us.name },
    ]);
    expect(await cli('dead-letters', 'show', '0:0')).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('TOPIC_REQUIRED'),
    });
    const shown = await cli('dead-letters', 'show', '0:0', '--topic', us.name, '--json');
    expect(JSON.parse(shown.stdout)).toMatchObject({ sourceTopic: us.name, value: 'not JSON' });

    await bridge.end('SIGTERM');
    const one = await cli('dead-letters', 'requeue', '0:1', '--topic', us.name, '--json');
    expect(JSON.parse(one.stdout)).toMatchObject({ replayed: 1 });
    await expectLags(0, 2);
    const limited = await cli('dead-letters', 'requeue', '--limit', '1', '--json');
    expect(JSON.parse(limited.stdout)).toMatchObject({ replayed: 1 });
    const rest = await cli('dead-letters', 'requeue', '--json');
    expect(JSON.parse(rest.stdout)).toMatchObject({ replayed: 1, replayedBefore: 2 });
    await expectLags(2, 4);
    expect(jsonLines((await cli('dead-letters', 'list', '--json')).stdout)).toMatchObject(
      listed.map(() => ({ replayed: true })),
    );
  });
});

/** Each transaction also writes a marker, which the broker does after it has answered the commit. */
const expectLags = (ofEu: number, ofUs: number) =>
  eventually(async () => {
    expect([await eu.lag(), await us.lag()]).toEqual([ofEu, ofUs]);
  });

test('topics share a dead-letter topic that is set, and each message is requeued to its own', async () => {
  const shared = { KAFKA_DEAD_LETTER_TOPIC: eu.deadLetterTopic };
  const bridge = await system.startBridge({ ...topics(), ...shared });
  await eu.send([{ key: null, value: 'not JSON', partition: 2 }]);
  await us.send([{ key: null, value: 'nor this' }]);
  await allCommitted();
  expect(await us.deadLetters()).toEqual([]);
  expect(await eu.deadLetters()).toHaveLength(2);
  await bridge.end('SIGTERM');
  const tool = (...args: readonly string[]) => runCli(args, { ...env(), ...shared });
  const ofUs = await tool('dead-letters', 'list', '--topic', us.name, '--json');
  const [letter] = jsonLines(ofUs.stdout) as { letter: string; sourceTopic: string }[];
  expect(letter).toMatchObject({ sourceTopic: us.name });
  // One dead-letter topic: its IDs are unique.
  const shown = await tool('dead-letters', 'show', letter?.letter ?? '', '--raw');
  expect(shown.stdout).toBe('nor this');
  const requeued = await tool('dead-letters', 'requeue', '--json');
  expect(JSON.parse(requeued.stdout)).toMatchObject({ replayed: 2 });
  await expectLags(2, 2);
});

test('setup creates every topic with its dead-letter topic', async () => {
  const names = [uniqueName('eu'), uniqueName('us')];
  const { stdout } = await runCli(['setup', '--only', 'kafka', '--json'], {
    ...env(),
    KAFKA_TOPIC: names.join(),
  });
  expect(JSON.parse(stdout)).toEqual({
    made: {
      kafka: [
        ...names,
        ...names.flatMap((name) => [`${name}.dead-letter`, `${name}.dead-letter.replayed`]),
      ],
    },
  });
});

interface Finding {
  readonly check: string;
  readonly state: string;
  readonly detail: string;
}

interface OrderLine {
  readonly source: { readonly topic: string };
}

const jsonLines = (text: string): readonly unknown[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as unknown);

test('an order of one topic does not wait for the backlog of the other', async () => {
  const backlog = Array.from({ length: 3000 }, (_, n) => {
    const id = uniqueName(`backlog-${n}`);
    return { key: id, value: orderText(id) };
  });
  await eu.send(backlog);
  const bridge = await system.startBridge({
    ...topics(),
    // The backlog takes longer than a batch may hold up others.
    BRIDGE_MAX_CONCURRENT_STARTS: '1',
    // All orders stay open, since no worker runs, unless the bridge is part of `run`.
    BRIDGE_MAX_WAITING_ORDERS: '1000000',
  });
  await bridge.logged('bridge_progress', ({ started }) => Number(started) > 0);
  const live = uniqueName('live');
  await us.send([{ key: live, value: orderText(live) }]);
  await eventually(() => system.workflow(live).describe());
  expect(await eu.lag()).toBeGreaterThan(0);
});
