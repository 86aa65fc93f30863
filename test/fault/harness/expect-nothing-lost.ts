import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { WorkflowNotFoundError } from '@temporalio/client';
import { runCli } from '../../support/programs.ts';
import { commitProblems, readCommits, type MessageOutcome } from './committed-offsets.ts';
import { createDrainWatch } from './drain-watch.ts';
import { readByConsoleConsumer, type ConsoleMessage } from './console-consumer.ts';
import type { ExpectedOrder, Purpose } from './load.ts';
import { PARTITIONS, type LoadedTopic, type LoadedWorld } from './world.ts';

/**
 * The check at the end of every fault test: each message has the right outcome. It shares no code with the
 * bridge. Kafka's own client reads the topics, the key of a message names its purpose, and the load recorded
 * each expected order when it sent it.
 */
export async function expectNothingLost(world: LoadedWorld, stallMs = 180_000): Promise<void> {
  const { system, load, otherTopics = [] } = world;
  const topics: readonly LoadedTopic[] = [
    { topic: system.topic, partitions: PARTITIONS, load },
    ...otherTopics,
  ];
  await drained(world, topics, stallMs);
  const listed = await listWorkflows(world);
  for (const one of topics) await expectNothingLostOf(world, one, topics, listed);
}

async function expectNothingLostOf(
  world: LoadedWorld,
  { topic, partitions, load }: LoadedTopic,
  topics: readonly LoadedTopic[],
  listed: ReadonlyMap<string, number>,
): Promise<void> {
  const { kafka } = world.servers;
  const { name, deadLetterTopic, groupId } = topic;
  const read = async (which: string) =>
    readByConsoleConsumer(kafka, which, await countMessages(world, which));
  const [records, deadLetters, commits] = await Promise.all([
    read(name),
    read(deadLetterTopic),
    readCommits(kafka, name, groupId),
  ]);
  const messages = records.map(withPurpose);
  const workflows = await withUnlisted(world, listed, messages);
  const rows = (await readRows(world)).filter(({ source }) => source.startsWith(`${name}/`));
  expect([
    ...orderProblems(messages, rows, load.expected, name),
    ...deadLetterProblems(messages, deadLetters, name),
    ...(await invalidProblems(world, messages)),
    ...commitProblems(withOutcomes(messages, deadLetters, workflows), partitions, commits),
  ]).toEqual([]);
  await expectReconciled(world, name, topics, messages);
}

type Message = ConsoleMessage & { readonly purpose: Purpose; readonly id: string };

function withPurpose(message: ConsoleMessage): Message {
  const [purpose = '', id = ''] = message.key.split(' ');
  return { ...message, purpose: purpose as Purpose, id };
}

async function countMessages({ system }: LoadedWorld, topic: string): Promise<number> {
  const ends = await system.topic.admin.fetchTopicOffsets(topic);
  return ends.reduce((sum, { high, low }) => sum + Number(high) - Number(low), 0);
}

/**
 * Waits until the group has committed every message and no workflow is running, both for a while. Fails if there
 * was no progress for `stallMs`. There is no other limit, because a busy machine may take long.
 */
async function drained(
  { system }: LoadedWorld,
  topics: readonly LoadedTopic[],
  stallMs: number,
): Promise<void> {
  const watch = createDrainWatch(stallMs);
  let emptySince: number | undefined;
  for (;;) {
    const left = await countLeft(system, topics).catch(() => undefined);
    try {
      emptySince = watch.observe(left) ? (emptySince ?? Date.now()) : undefined;
      if (emptySince !== undefined && Date.now() - emptySince >= SETTLED_MS) return;
    } catch (error) {
      const lags = await Promise.all(topics.map(({ topic }) => describeLag(topic).catch(String)));
      throw new Error([String(error), ...lags].join('\n'), { cause: error });
    }
    await delay(POLL_MS);
  }
}

const POLL_MS = 200;
/** Visibility shows a workflow a moment after its start. */
const SETTLED_MS = 2000;

async function describeLag({ name, groupId, admin }: LoadedTopic['topic']): Promise<string> {
  const ends = await admin.fetchTopicOffsets(name);
  const committed = await admin.fetchOffsets({ groupId, topics: [name] });
  return JSON.stringify({ ends, committed });
}

/** The number of messages that are not committed, plus the workflows that are running. */
async function countLeft(
  system: LoadedWorld['system'],
  topics: readonly LoadedTopic[],
): Promise<number> {
  // The lag first: afterwards, every committed message has its workflow.
  let left = 0;
  for (const { topic } of topics) left += await topic.lag();
  const running = await system.client.workflow.count(
    `WorkflowId STARTS_WITH '${system.workflowId('')}' AND ExecutionStatus = 'Running'`,
  );
  return left + running.count;
}

/** When the first workflow of each order was started, in milliseconds since 1970. */
async function listWorkflows({ system }: LoadedWorld): Promise<ReadonlyMap<string, number>> {
  const prefix = system.workflowId('');
  const started = new Map<string, number>();
  for await (const { workflowId, startTime } of system.client.workflow.list({
    query: `WorkflowId STARTS_WITH '${prefix}'`,
  })) {
    const id = workflowId.slice(prefix.length);
    started.set(id, Math.min(started.get(id) ?? Number.POSITIVE_INFINITY, startTime.getTime()));
  }
  return started;
}

/** Adds the workflows of messages that visibility does not show yet. */
async function withUnlisted(
  { system }: LoadedWorld,
  listed: ReadonlyMap<string, number>,
  messages: readonly Message[],
): Promise<ReadonlyMap<string, number>> {
  const started = new Map(listed);
  for (const { id, purpose } of messages) {
    if (started.has(id) || purpose === 'broken') continue;
    try {
      started.set(id, (await system.workflow(id).describe()).startTime.getTime());
    } catch (error) {
      if (!(error instanceof WorkflowNotFoundError)) throw error;
    }
  }
  return started;
}

interface Row {
  readonly order_id: string;
  readonly source: string;
  readonly fingerprint: string;
  readonly content: ExpectedOrder;
}

async function readRows({ system }: LoadedWorld): Promise<readonly Row[]> {
  const { rows } = await system.database.pool.query<Row>(`
    SELECT order_id, fingerprint, source_topic || '/' || source_partition || '/' || source_offset AS source,
      json_build_object(
        'order_id', order_id,
        'created_at', to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
        'customer_name', customer_name,
        'total_price', total_price::text,
        'line_items', (
          SELECT json_agg(json_build_object(
            'product_id', product_id, 'quantity', quantity, 'unit_price', unit_price::text)
            ORDER BY line_number)
          FROM order_line_items i WHERE i.order_id = o.order_id)) AS content
    FROM orders o ORDER BY order_id`);
  return rows;
}

/** Every good order is stored once, unchanged and from its first message, and nothing else is stored. */
function orderProblems(
  messages: readonly Message[],
  rows: readonly Row[],
  expected: ReadonlyMap<string, ExpectedOrder>,
  topic: string,
): readonly string[] {
  const problems: string[] = [];
  const byId = new Map(rows.map((row) => [row.order_id, row]));
  const first = new Map<string, Message>();
  for (const message of messages) {
    if (message.purpose === 'good' && !first.has(message.id)) first.set(message.id, message);
  }
  for (const [id, { partition, offset }] of first) {
    const row = byId.get(id);
    if (!row) problems.push(`${id} (${partition}/${offset}) is not stored`);
    else if (JSON.stringify(row.content) !== JSON.stringify(expected.get(id))) {
      problems.push(`${id} is stored as ${JSON.stringify(row.content)}`);
    } else if (row.source !== `${topic}/${partition}/${offset}`) {
      problems.push(`${id} (${partition}/${offset}) is stored from ${row.source}`);
    } else if (row.fingerprint !== fingerprintOf(row.content)) {
      problems.push(`${id} has the fingerprint ${row.fingerprint}`);
    }
  }
  for (const id of byId.keys())
    if (!first.has(id)) problems.push(`${id} is stored without a message`);
  for (const id of expected.keys()) if (!first.has(id)) problems.push(`${id} is not on the topic`);
  return problems;
}

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

/** The fingerprint of an order of the load, computed independently of the bridge. */
function fingerprintOf(order: ExpectedOrder): string {
  const amount = (digits: string) => digits.replace(/\.?0+$/, '');
  const items = order.line_items.flatMap((item) => [
    ...[item.product_id, String(item.quantity), amount(item.unit_price)],
  ]);
  const { order_id, created_at, customer_name, total_price } = order;
  return `2:${sha256(JSON.stringify([order_id, created_at, customer_name, amount(total_price), ...items]))}`;
}

const position = (partition: number | string, offset: number | string) => `${partition}/${offset}`;

const sourceOf = ({ headers }: ConsoleMessage) =>
  position(
    headers['dead-letter.source.partition'] ?? '',
    headers['dead-letter.source.offset'] ?? '',
  );

/** Every broken message and every conflict is dead-lettered, and nothing else is. */
function deadLetterProblems(
  messages: readonly Message[],
  deadLetters: readonly ConsoleMessage[],
  topic: string,
): readonly string[] {
  const reasons = new Map(
    deadLetters.map((deadLetter) => [
      sourceOf(deadLetter),
      deadLetter.headers['dead-letter.reason'],
    ]),
  );
  const foreign = deadLetters.flatMap(({ headers }) => {
    const source = headers['dead-letter.source.topic'];
    return source === topic ? [] : [`there is a dead letter of ${source ?? 'no topic'}`];
  });
  const wrong = messages.flatMap(({ partition, offset, purpose, id }) => {
    const reason = reasons.get(position(partition, offset));
    const isDue = purpose === 'broken' || purpose === 'conflict';
    if (isDue !== (reason !== undefined)) {
      return [`${id} (${partition}/${offset}, ${purpose}) has the dead letter ${reason ?? 'none'}`];
    }
    const isConflict = reason === 'conflicting-duplicate';
    return isDue && isConflict !== (purpose === 'conflict')
      ? [`${id} has the reason ${reason ?? ''}`]
      : [];
  });
  return [...foreign, ...wrong];
}

async function invalidProblems(
  { system }: LoadedWorld,
  messages: readonly Message[],
): Promise<readonly string[]> {
  const problems: string[] = [];
  for (const { id, purpose } of messages) {
    if (purpose !== 'invalid') continue;
    const failure: unknown = await system
      .workflow(id)
      .result()
      .catch((error: unknown) => error);
    const type = (failure as { cause?: { type?: string } }).cause?.type;
    if (type !== 'OrderInvalid') problems.push(`${id} ended as ${String(type)}`);
  }
  return problems;
}

/** When each message had its outcome: its dead letter, or the start of its order's workflow. */
function withOutcomes(
  messages: readonly Message[],
  deadLetters: readonly ConsoleMessage[],
  workflows: ReadonlyMap<string, number>,
): readonly MessageOutcome[] {
  const deadLetterAt = new Map<string, number>();
  for (const deadLetter of deadLetters) {
    const source = sourceOf(deadLetter);
    deadLetterAt.set(
      source,
      Math.min(deadLetterAt.get(source) ?? deadLetter.timestamp, deadLetter.timestamp),
    );
  }
  return messages.map(({ id, partition, offset, purpose }) => {
    const isDeadLetter = purpose === 'broken' || purpose === 'conflict';
    const at = isDeadLetter ? deadLetterAt.get(position(partition, offset)) : workflows.get(id);
    return { id, partition, offset, at };
  });
}

/** `order-ingest reconcile` reports the same outcomes. */
async function expectReconciled(
  { system }: LoadedWorld,
  name: string,
  topics: readonly LoadedTopic[],
  messages: readonly Message[],
): Promise<void> {
  const env = {
    ...system.bridgeEnv,
    ...system.workerEnv,
    KAFKA_TOPIC: topics.map(({ topic }) => topic.name).join(),
  };
  const { exitCode, stdout, stderr } = await runCli(['reconcile', '--json', '--topic', name], env);
  expect(stderr).toBe('');
  const count = (...purposes: readonly Purpose[]) =>
    messages.filter(({ purpose }) => purposes.includes(purpose)).length;
  // A producer may send a batch twice when the leader of a partition changes.
  const good = new Set(messages.filter(({ purpose }) => purpose === 'good').map(({ id }) => id));
  expect(JSON.parse(stdout)).toMatchObject({
    missing: [],
    totals: {
      messages: messages.length,
      stored: good.size,
      duplicate: count('duplicate') + count('good') - good.size,
      failed: count('invalid'),
      'dead-lettered': count('broken', 'conflict'),
      'in-progress': 0,
    },
  });
  expect(exitCode).toBe(0);
}
