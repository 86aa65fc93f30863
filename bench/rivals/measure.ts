import { setTimeout as delay } from 'node:timers/promises';
import { uniqueName } from '../../test/support/stack.ts';
import { spreadOf, type Sample } from '../harness/compare.ts';
import { countRows } from '../harness/counts.ts';
import { fillTopic } from '../harness/fill-topic.ts';
import { orderLatencies, percentileOf } from '../harness/latencies.ts';
import { measureRate, usageOf } from '../harness/processes.ts';
import type { Kept, OpenRival, Rival } from './rival.ts';
import {
  badMessageOf,
  BAD_MESSAGES,
  type BadMessage,
  type BadMessagesResult,
  type KillResult,
} from './result.ts';

export type Pids = Readonly<Record<string, number>>;

/** One round: the rate from a full topic, then the latency at an even rate. */
export interface RoundSample extends Sample {
  /** Milliseconds. */
  readonly latency: { readonly p50: number; readonly p99: number };
  /** MiB by process. */
  readonly memory: Readonly<Record<string, number>>;
}

/** Orders per second of the measurement of latency: well below what any of the systems can do. */
export const LATENCY_RATE = 10;
const LATENCY_COUNT = 150;
/** The fastest of them are done within seconds. */
const POLL_MS = 50;

/** @param pids the servers that all systems share */
export const measureRound = (rival: Rival, pids: Pids): Promise<RoundSample> =>
  withOpen(rival, async (open) => {
    await fillTopic(open.topic, rival.count, undefined, open.messageOf);
    const running = await open.start();
    const own = {
      ...running.pids,
      ...(open.server ? { [open.server.name]: open.server.pid() } : {}),
    };
    const done = () => rowsOf(open);
    // A system can take many messages before it works on the first of them.
    const hasBegun = async () => (await open.taken()) > 0 || (await done()) > 0;
    const sample = await measureRate(
      { pids: { ...own, ...pids }, done, hasBegun, pollMs: POLL_MS },
      rival.count,
    );
    const memory = Object.entries(own).map(
      ([name, pid]) => [name, (usageOf(pid)?.residentBytes ?? 0) / 2 ** 20] as const,
    );
    const latencies = await orderLatencies(open, LATENCY_COUNT, 1000 / LATENCY_RATE);
    await running.end('SIGTERM');
    const [p50, p99] = [percentileOf(latencies, 50), percentileOf(latencies, 99)];
    return { ...sample, latency: { p50, p99 }, memory: Object.fromEntries(memory) };
  });

/** Longer than any of them needs to recover from a kill: the group waits for its dead member first. */
const SETTLED_MS = 75_000;
/** An order that is not stored for so long counts as blocked. */
const BLOCKED_MS = SETTLED_MS / 3;

/** @param withServer kills the server of the system too, at the same time */
export const measureKill = (rival: Rival, withServer: boolean): Promise<KillResult> =>
  withOpen(rival, async (open) => {
    const { count: orders } = rival;
    await fillTopic(open.topic, orders, undefined, open.messageOf);
    const first = await open.start();
    while ((await rowsOf(open)) < orders / 4) await delay(5);
    // A server that is dead can no longer be asked.
    const before = withServer ? await open.taken() : undefined;
    await Promise.all([
      first.end('SIGKILL'),
      ...(withServer && open.server ? [open.server.kill()] : []),
    ]);
    const [taken, committed] = [before ?? (await open.taken()), await committedBy(open)];
    const second = await open.start();
    const stored = await settled(() => rowsOf(open), orders);
    await second.end('SIGTERM');
    return { orders, lost: orders - stored, readAgain: Math.max(0, taken - committed) };
  });

/** @param third the number of good orders before the bad messages, between them, and after them */
export const measureBadMessages = (rival: Rival, third = 250): Promise<BadMessagesResult> =>
  withOpen(rival, async (open) => {
    const { topic, database, table, messageOf, rerun, resume } = open;
    const run = uniqueName('A');
    const send = (key: string, value: string) => topic.send([{ key, value }]);
    await database.pool.query(
      `ALTER TABLE ${table} ADD CONSTRAINT not_too_dear CHECK (total_price < 1000000)`,
    );
    await fillTopic(topic, third, `${run}-a`, messageOf);
    const running = await open.start();
    await settled(() => rowsOf(open), third);
    const earlier = `${run}-a-0`;
    const rejected = `${run}-dear`;
    await send(earlier, messageOf(earlier, { customer_name: 'Somebody else' }));
    // With the same key, and so behind it: once this one is stored, the other is done.
    await send(earlier, messageOf(`${run}-later`));
    await settled(() => rowsOf(open), third + 1, BLOCKED_MS);
    await send('not-json', 'not JSON');
    await send(rejected, messageOf(rejected, { total_price: 5_000_000 }));
    await fillTopic(topic, third, `${run}-b`, messageOf);
    const beforeNul = 2 * third + 1;
    const behindConstraint = beforeNul - (await settled(() => rowsOf(open), beforeNul, BLOCKED_MS));
    await settled(async () => (await open.kept()).length, 3, SETTLED_MS / 7);
    const failed = (await open.kept()).find(({ reason }) => badMessageOf(reason) === 'constraint');
    await database.pool.query(`ALTER TABLE ${table} DROP CONSTRAINT not_too_dear`);
    if (failed && rerun) await rerun.run(failed.id);
    else if (failed) await send(rejected, messageOf(rejected, { total_price: 5_000_000 }));
    else if (resume && behindConstraint > 0) await resume.run();
    await settled(() => rowsOf(open), beforeNul + 1, BLOCKED_MS);
    const wasStored = await hasRow(open, rejected);

    // Last, because no operator can have it stored.
    await send('nul', messageOf(`${run}-nul`, { customer_name: 'A\u0000B' }));
    await fillTopic(topic, third, `${run}-c`, messageOf);
    const all = beforeNul + (wasStored ? 1 : 0) + third;
    const behindNul = all - (await settled(() => rowsOf(open), all, BLOCKED_MS));
    await settled(async () => (await open.kept()).length, BAD_MESSAGES.length, SETTLED_MS / 7);
    const ends = endsOf(await open.kept(), {
      isOverwritten: await hasRow(open, earlier, "customer_name = 'Somebody else'"),
      blocking: [
        ...(behindConstraint > 0 ? (['constraint'] as const) : []),
        ...(behindNul > 0 ? (['nul'] as const) : []),
      ],
    });
    await running.end('SIGTERM');
    return {
      goodOrders: 3 * third + 1,
      stuck: behindConstraint + behindNul,
      ends,
      rerun: { how: howToRerun(open, failed), stored: wasStored },
    };
  });

/** Where each bad message ends. */
export function endsOf(
  kept: readonly Kept[],
  {
    isOverwritten,
    blocking,
  }: { readonly isOverwritten: boolean; readonly blocking: readonly BadMessage[] },
): Readonly<Record<BadMessage, string>> {
  const end = (message: BadMessage): string => {
    const found = kept.find(({ reason }) => badMessageOf(reason) === message);
    if (found) return found.as;
    if (message === 'conflict' && isOverwritten) return 'overwrites the earlier order';
    return blocking.includes(message) ? 'blocks others' : 'dropped';
  };
  return {
    conflict: end('conflict'),
    'not-json': end('not-json'),
    nul: end('nul'),
    constraint: end('constraint'),
  };
}

function howToRerun({ rerun, resume }: OpenRival, failed: Kept | undefined): string {
  if (!failed) return resume?.how ?? 'nothing to run again';
  return rerun?.how ?? 'write the dead letter to the topic again, with a program of your own';
}

async function withOpen<Answer>(
  rival: Rival,
  work: (open: OpenRival) => Promise<Answer>,
): Promise<Answer> {
  const open = await rival.open();
  try {
    return await work(open);
  } finally {
    await open.close();
  }
}

const rowsOf = ({ database, table }: OpenRival) => countRows(database, table);

async function hasRow({ database, table }: OpenRival, orderId: string, condition = 'true') {
  const { rows } = await database.pool.query(
    `SELECT 1 FROM ${table} WHERE order_id = $1 AND ${condition}`,
    [orderId],
  );
  return rows.length > 0;
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

async function committedBy({ groupId, topic }: OpenRival): Promise<number> {
  const [offsets] = await topic.admin.fetchOffsets({ groupId, topics: [topic.name] });
  return (offsets?.partitions ?? []).reduce(
    (sum, { offset }) => sum + Math.max(0, Number(offset)),
    0,
  );
}

/** The medians of the rounds. */
export const spreadOfLatency = (samples: readonly RoundSample[]) => ({
  p50: spreadOf(samples.map(({ latency }) => latency.p50)),
  p99: spreadOf(samples.map(({ latency }) => latency.p99)),
});
