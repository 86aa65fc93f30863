import { setTimeout as delay } from 'node:timers/promises';
import { createTestSystem, type TestSystem } from '../../test/support/system.ts';
import { uniqueName } from '../../test/support/stack.ts';
import { countRows } from '../harness/counts.ts';
import { fillTopic } from '../harness/fill-topic.ts';
import { measureRate } from '../harness/processes.ts';
import { measureInTurn, spreadOf, type Sample, type Spread } from '../harness/compare.ts';
import { format, medians } from '../harness/report.ts';
import { consumerLoop } from './consumer-loop.ts';
import { orderIngest } from './order-ingest.ts';
import type { Rival } from './rival.ts';
import { sinkConnector } from './sink-connector.ts';

const RIVALS = [
  orderIngest,
  consumerLoop('one-by-one'),
  consumerLoop('batched'),
  sinkConnector,
] as const;

export interface RivalResult {
  readonly name: string;
  /** Orders per second from a full topic to rows. */
  readonly rate: Spread;
  /** Median CPU milliseconds per order, by process. */
  readonly cpu: Readonly<Record<string, number>>;
  readonly killed: KillResult;
  readonly troubled: BadMessagesResult;
}

/** The result of a SIGKILL of all processes when a quarter of the orders is stored, and a restart. */
interface KillResult {
  readonly orders: number;
  readonly lost: number;
  /** Messages that are read again although their work was done. */
  readonly readAgain: number;
}

/**
 * The result of three bad messages among good ones: a different order with the ID of an earlier one, then a
 * message that is not JSON, and an order with a NUL in a name, which Postgres cannot store in a text.
 */
interface BadMessagesResult {
  readonly goodOrders: number;
  /** Good orders that are never stored. */
  readonly stuck: number;
  /** How many of the three are kept where an operator can find and fix them. */
  readonly kept: number;
  /** Whether the earlier order's row now holds the different order. */
  readonly overwritten: boolean;
}

/** Measures order-ingest and its alternatives in turn. */
export async function sideBySide(
  pids: Readonly<Record<string, number>>,
  rounds: number,
): Promise<readonly RivalResult[]> {
  const sides = RIVALS.map((rival) => ({
    name: rival.name,
    rival,
    measure: () => withSystem(rival, (system) => measure(rival, system, pids)),
  }));
  const samples = await measureInTurn(sides, rounds, (name, round, { value }) => {
    console.error(`side-by-side  round ${round}  ${name}: ${format(value)} orders/s`);
  });
  const results: RivalResult[] = [];
  for (const [{ rival }, taken] of samples) {
    const killed = await withSystem(rival, (system) => measureKill(rival, system));
    console.error(`side-by-side  ${rival.name}, after a SIGKILL: ${JSON.stringify(killed)}`);
    const troubled = await withSystem(rival, (system) => measureBadMessages(rival, system));
    console.error(`side-by-side  ${rival.name}, with bad messages: ${JSON.stringify(troubled)}`);
    results.push({
      name: rival.name,
      rate: spreadOf(taken.map(({ value }) => value)),
      cpu: medians(taken.map(({ cpu }) => cpu ?? {})),
      killed,
      troubled,
    });
  }
  return results;
}

async function withSystem<Answer>(
  rival: Rival,
  work: (system: TestSystem) => Promise<Answer>,
): Promise<Answer> {
  const system = await createTestSystem({ partitions: 4, fastSettings: false });
  try {
    await rival.prepare(system);
    return await work(system);
  } finally {
    await system.close();
  }
}

const rowsOf = ({ table }: Rival, { database }: TestSystem) => countRows(database, table);

async function measure(
  rival: Rival,
  system: TestSystem,
  pids: Readonly<Record<string, number>>,
): Promise<Sample> {
  await fillTopic(system.topic, rival.count, undefined, rival.messageOf);
  const running = await rival.start(system);
  const done = () => rowsOf(rival, system);
  const sample = await measureRate({ pids: { ...running.pids, ...pids }, done }, rival.count);
  await running.end('SIGTERM');
  return sample;
}

/** Longer than any of them needs to recover from a kill: the group waits for its dead member first. */
const SETTLED_MS = 75_000;

async function measureKill(rival: Rival, system: TestSystem): Promise<KillResult> {
  const { count: orders } = rival;
  await fillTopic(system.topic, orders, undefined, rival.messageOf);
  const first = await rival.start(system);
  while ((await rowsOf(rival, system)) < orders / 4) await delay(5);
  await first.end('SIGKILL');
  const [taken, committed] = await Promise.all([
    rival.taken(system),
    committedBy(rival.groupOf(system), system),
  ]);
  const second = await rival.start(system);
  const stored = await settled(() => rowsOf(rival, system), orders);
  await second.end('SIGTERM');
  return { orders, lost: orders - stored, readAgain: Math.max(0, taken - committed) };
}

async function measureBadMessages(rival: Rival, system: TestSystem): Promise<BadMessagesResult> {
  const { topic, database } = system;
  const run = uniqueName('A');
  const half = 250;
  await fillTopic(topic, half, `${run}-a`, rival.messageOf);
  const earlier = `${run}-a-0`;
  // Both have the same key and so the same partition: once the second is stored, the first is done.
  await topic.send([
    { key: earlier, value: rival.messageOf(earlier, { customer_name: 'Somebody else' }) },
    { key: earlier, value: rival.messageOf(`${run}-later`) },
  ]);
  const running = await rival.start(system);
  await settled(() => rowsOf(rival, system), half + 1);
  await topic.send([
    { key: 'not-json', value: 'not JSON' },
    { key: 'nul', value: rival.messageOf(`${run}-nul`, { customer_name: 'A\u0000B' }) },
  ]);
  await fillTopic(topic, half, `${run}-b`, rival.messageOf);
  const goodOrders = 2 * half + 1;
  // One more than expected, so that it waits whether a bad message becomes a row after all.
  const stored = await settled(() => rowsOf(rival, system), goodOrders + 1, SETTLED_MS / 3);
  const { rows } = await database.pool.query<{ customer_name: string }>(
    `SELECT customer_name FROM ${rival.table} WHERE order_id = $1`,
    [earlier],
  );
  const kept = await rival.kept(system);
  await running.end('SIGTERM');
  return {
    goodOrders,
    stuck: goodOrders - stored,
    kept,
    overwritten: rows[0]?.customer_name === 'Somebody else',
  };
}

/** Returns the figure once it has reached the goal, or has not changed for `settledMs`. */
async function settled(
  figure: () => Promise<number>,
  goal: number,
  settledMs = SETTLED_MS,
): Promise<number> {
  let last = await figure();
  for (let since = Date.now(); last < goal && Date.now() - since < settledMs;) {
    await delay(100);
    const now = await figure();
    if (now !== last) since = Date.now();
    last = now;
  }
  return last;
}

async function committedBy(groupId: string, { topic }: TestSystem): Promise<number> {
  const [offsets] = await topic.admin.fetchOffsets({ groupId, topics: [topic.name] });
  return (offsets?.partitions ?? []).reduce(
    (sum, { offset }) => sum + Math.max(0, Number(offset)),
    0,
  );
}

export const describeRivals = (rivals: readonly RivalResult[]): string =>
  rivals
    .map(({ name, rate, killed, troubled }) =>
      [
        `${name}: ${format(rate.median)} (${format(rate.low)} to ${format(rate.high)}) orders/s`,
        `  SIGKILL within ${killed.orders} orders: ${killed.lost} lost, ${killed.readAgain} read again`,
        `  three bad messages among ${troubled.goodOrders} good orders: ${troubled.stuck} good orders never stored, ${troubled.kept} bad messages kept, the earlier order ${troubled.overwritten ? 'overwritten' : 'untouched'}`,
      ].join('\n'),
    )
    .join('\n');
