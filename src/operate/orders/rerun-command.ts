import { hostname } from 'node:os';
import { createInterface } from 'node:readline/promises';
import type { Command } from 'commander';
import { LOW_PRIORITY, type Priority } from '../../contract/priority.ts';
import type { Environment } from '../../config/read-settings.ts';
import { counted } from '../../program/counted.ts';
import { OperatorError } from '../../program/operator-error.ts';
import { countRuns, listOrders } from '../../temporal/order-visibility.ts';
import { describeOrder, type OrderRun } from '../../temporal/order-workflow.ts';
import { environmentOf } from '../../terminal/environment.ts';
import { untilInterrupted } from '../../terminal/interrupt.ts';
import { createProgressLine } from '../../terminal/progress-line.ts';
import { awaitOutcomes, outcomeOf } from './await-outcomes.ts';
import { orderFilterOf, type OrderFilterFlags } from './filter-options.ts';
import { withOrders, type OrdersConnection } from './open-orders.ts';
import { positionOf, rerunExpired, type DeadLetteredOrder } from './rerun-expired.ts';
import { rerunOrders } from './rerun-orders.ts';

interface RerunFlags extends OrderFilterFlags {
  readonly failed?: true;
  readonly limit?: number;
  readonly rate: number;
  readonly priority?: Priority;
  readonly dryRun?: boolean;
  readonly yes?: true;
  readonly wait?: true;
  readonly json?: true;
}

/** `orders rerun`: re-runs failed orders, by ID or by filter, each with its own message. */
export async function rerun(
  ids: readonly string[],
  flags: RerunFlags,
  command: Command,
): Promise<void> {
  if (ids.length > 0 === (flags.failed ?? false)) {
    throw new OperatorError(
      'ARGUMENT_INVALID',
      'Give either order IDs or --failed',
      'name the orders to re-run, or use --failed, with filters if needed, to re-run all that have failed',
    );
  }
  const env = environmentOf(command);
  await withOrders(env, async (orders) => {
    const chosen = await (flags.failed
      ? chooseByFilter(orders, flags)
      : chooseById(orders, ids, flags));
    if (chosen.expected > 1 && !flags.dryRun && !flags.yes) await confirm(chosen.expected);
    await untilInterrupted((signal) => rerunChosen(env, orders, chosen, flags, signal));
  });
}

interface Chosen {
  readonly runs: AsyncIterable<OrderRun> | readonly OrderRun[];
  /** Order IDs that Temporal does not have, or no longer has. */
  readonly unknown: readonly string[];
  /** About how many orders will be re-run. */
  readonly expected: number;
}

async function chooseByFilter(orders: OrdersConnection, flags: RerunFlags): Promise<Chosen> {
  const filter = orderFilterOf(flags, ['failed', 'timed-out']);
  const count = await countRuns(orders, filter);
  return {
    runs: listOrders(orders, filter),
    unknown: [],
    expected: Math.min(count, flags.limit ?? count),
  };
}

/** Chooses the latest runs whatever their status: Temporal rejects the re-run of one that has not failed. */
async function chooseById(
  orders: OrdersConnection,
  ids: readonly string[],
  { limit = ids.length }: RerunFlags,
): Promise<Chosen> {
  const runs: OrderRun[] = [];
  const unknown: string[] = [];
  for (const id of new Set(ids)) {
    const workflow = await describeOrder(orders, id);
    if (workflow) runs.push(workflow);
    else unknown.push(id);
  }
  return { runs, unknown, expected: Math.min(ids.length, limit) };
}

interface Rerun {
  /** Order IDs. */
  readonly started: readonly string[];
  readonly skipped: number;
  readonly deadLetters: readonly DeadLetteredOrder[];
  /** Order IDs that neither Temporal nor the topic has. */
  readonly gone: readonly string[];
}

async function rerunChosen(
  env: Environment,
  orders: OrdersConnection,
  { runs, unknown, expected }: Chosen,
  flags: RerunFlags,
  signal: AbortSignal,
): Promise<void> {
  const { client, settings } = orders;
  const { limit = Number.POSITIVE_INFINITY, dryRun = false, priority = LOW_PRIORITY } = flags;
  const line = createProgressLine();
  const known = await rerunOrders(
    {
      client,
      taskQueue: settings.temporal.taskQueue,
      identity: `order-ingest-rerun@${hostname()}`,
    },
    upTo(limit, runs),
    {
      perSecond: flags.rate,
      priority,
      dryRun,
      signal,
      onProgress: (handled) => {
        line.show(`${handled} of about ${expected}`);
      },
    },
  );
  line.clear();
  const expired = new Map([
    ...unknown.map((orderId) => [orderId, undefined] as const),
    ...known.gone.map((run) => [run.orderId, positionOf(run)] as const),
  ]);
  const replayed = await rerunExpired(env, expired, { dryRun, priority, signal });
  const result: Rerun = {
    started: [...known.started, ...replayed.started],
    skipped: known.skipped + replayed.leftAlone.length,
    deadLetters: replayed.deadLetters,
    gone: replayed.gone,
  };
  const outcomes =
    flags.wait && !dryRun ? await awaitAll(orders, result.started, signal) : undefined;
  print(result, outcomes, flags);
  if (signal.aborted) {
    throw new OperatorError(
      'INTERRUPTED',
      'Interrupted before all orders were re-run',
      'run the command again: it skips the orders that were re-run',
    );
  }
  failUnlessRerun(result);
  if (outcomes?.some(({ status }) => status !== 'completed')) process.exitCode = 1;
}

async function* upTo<Item>(
  limit: number,
  items: AsyncIterable<Item> | readonly Item[],
): AsyncGenerator<Item, void, undefined> {
  let count = 0;
  for await (const item of items) {
    if (count >= limit) return;
    count += 1;
    yield item;
  }
}

async function confirm(count: number): Promise<void> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) {
    throw new OperatorError(
      'CONFIRMATION_REQUIRED',
      `About ${counted(count, 'order')} would be re-run`,
      'add --yes to re-run them, or --dry-run to count them',
    );
  }
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await terminal.question(`Re-run about ${counted(count, 'order')}? [y/N] `);
    if (!/^y(es)?$/i.test(answer)) {
      throw new OperatorError(
        'CONFIRMATION_DECLINED',
        'No order was re-run',
        'answer "y" to re-run them',
      );
    }
  } finally {
    terminal.close();
  }
}

async function awaitAll(
  orders: OrdersConnection,
  ids: readonly string[],
  signal: AbortSignal,
): Promise<readonly OrderRun[]> {
  const line = createProgressLine();
  const outcomes = await awaitOutcomes(orders, ids, signal, (closed) => {
    line.show(`${closed} of ${ids.length} have ended`);
  });
  line.clear();
  return outcomes;
}

function print(
  { started, skipped, deadLetters, gone }: Rerun,
  runs: readonly OrderRun[] | undefined,
  { dryRun = false, json }: RerunFlags,
): void {
  const outcomes = runs && countOutcomes(runs);
  if (json) {
    const counts = { started: started.length, leftAlone: skipped };
    console.log(JSON.stringify({ dryRun, ...counts, deadLetters, gone, outcomes }));
    return;
  }
  const done = dryRun ? 'would be re-run' : 're-run';
  console.log(
    `${counted(started.length, 'order')} ${done}, ${skipped} skipped (running or already stored)`,
  );
  for (const [outcome, count] of Object.entries(outcomes ?? {})) {
    console.log(`  ${outcome}: ${count}`);
  }
}

function countOutcomes(runs: readonly OrderRun[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const run of runs) {
    const outcome = outcomeOf(run);
    counts[outcome] = (counts[outcome] ?? 0) + 1;
  }
  return counts;
}

/** Throws when some of the orders could not be re-run. */
function failUnlessRerun({ deadLetters, gone }: Rerun): void {
  const problems: string[] = [];
  const fixes: string[] = [];
  if (deadLetters.length > 0) {
    const listed = deadLetters.map(
      ({ orderId, topic, partition, offset, reason }) =>
        `"${orderId}" (${topic}, partition ${partition}, offset ${offset}${reason === undefined ? '' : `: ${reason}`})`,
    );
    problems.push(`Not re-run, because the message is a dead letter: ${listed.join(', ')}`);
    fixes.push(
      'see the reason with `order-ingest orders show ID`, fix it, and requeue the message with `order-ingest dead-letters requeue`',
    );
  }
  if (gone.length > 0) {
    problems.push(`Neither Temporal nor Kafka has ${gone.map((id) => `"${id}"`).join(', ')}`);
    fixes.push(
      'check the IDs, including upper and lower case and white space; if the message has expired from the topic, the producer must send the order again',
    );
  }
  if (problems.length > 0) {
    throw new OperatorError('ORDERS_NOT_RERUN', problems.join('; '), fixes.join('; '));
  }
}
