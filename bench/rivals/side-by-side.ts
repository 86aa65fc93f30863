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
  /** Orders/s from a full topic to rows. */
  readonly rate: Spread;
  /** Median CPU milliseconds an order, by process. */
  readonly cpu: Readonly<Record<string, number>>;
  readonly killed: AfterTheKill;
  readonly troubled: AfterTrouble;
}

/** `kill -9` of all its processes when a quarter is stored, and a start anew. */
interface AfterTheKill {
  readonly orders: number;
  readonly lost: number;
  /** Messages whose work was done, and that had to be read again. */
  readonly readAgain: number;
}

/**
 * Among good orders stand three others: another order with the ID of an earlier one, and, after that has
 * been dealt with, one that is not JSON and one with a NUL in a name, which Postgres takes in no text.
 */
interface AfterTrouble {
  readonly goodOrders: number;
  /** Never stored, however long one waits. */
  readonly stuck: number;
  /** How many of the three stand somewhere for somebody to see and mend. */
  readonly kept: number;
  /** Whether the earlier order's row now holds the other one. */
  readonly overwritten: boolean;
}

/** Measures order-ingest and what one might take instead, in turn. */
export async function sideBySide(
  pids: Readonly<Record<string, number>>,
  rounds: number,
): Promise<readonly RivalResult[]> {
  const sides = RIVALS.map((rival) => ({
    name: rival.name,
    rival,
    measure: () => onASystem(rival, (system) => measure(rival, system, pids)),
  }));
  const samples = await measureInTurn(sides, rounds, (name, round, { value }) => {
    console.error(`side-by-side  round ${round}  ${name}: ${format(value)} orders/s`);
  });
  const results: RivalResult[] = [];
  for (const [{ rival }, taken] of samples) {
    const killed = await onASystem(rival, (system) => killIt(rival, system));
    console.error(`side-by-side  ${rival.name}, killed: ${JSON.stringify(killed)}`);
    const troubled = await onASystem(rival, (system) => troubleIt(rival, system));
    console.error(`side-by-side  ${rival.name}, troubled: ${JSON.stringify(troubled)}`);
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

async function onASystem<Answer>(
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

/** Longer than any of them takes to be back after a kill: the group waits for its dead member. */
const SETTLED_MS = 75_000;

async function killIt(rival: Rival, system: TestSystem): Promise<AfterTheKill> {
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

async function troubleIt(rival: Rival, system: TestSystem): Promise<AfterTrouble> {
  const { topic, database } = system;
  const run = uniqueName('A');
  const half = 250;
  await fillTopic(topic, half, `${run}-a`, rival.messageOf);
  const earlier = `${run}-a-0`;
  // The second one has the first one's key, and so its partition: once it is stored, the first is done.
  await topic.send([
    { key: earlier, value: rival.messageOf(earlier, { customer_name: 'Somebody else' }) },
    { key: earlier, value: rival.messageOf(`${run}-later`) },
  ]);
  const running = await rival.start(system);
  await settled(() => rowsOf(rival, system), half + 1);
  await topic.send([
    { key: 'not-json', value: 'no order at all' },
    { key: 'nul', value: rival.messageOf(`${run}-nul`, { customer_name: 'A\u0000B' }) },
  ]);
  await fillTopic(topic, half, `${run}-b`, rival.messageOf);
  const goodOrders = 2 * half + 1;
  // One more than all, so that it waits whether the bad ones become rows after all.
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

/** The figure when it has reached the goal, or has not changed for so long. */
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
        `  killed among ${killed.orders} orders: ${killed.lost} lost, ${killed.readAgain} read again`,
        `  three bad messages among ${troubled.goodOrders} good orders: ${troubled.stuck} good ones never stored, ${troubled.kept} bad ones kept, an earlier order ${troubled.overwritten ? 'overwritten' : 'untouched'}`,
      ].join('\n'),
    )
    .join('\n');
