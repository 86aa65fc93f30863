import { hostname } from 'node:os';
import { createInterface } from 'node:readline/promises';
import type { Command } from 'commander';
import type { Environment } from '../../config/read-settings.ts';
import type { OpenOrders } from './open-orders.ts';
import type { OrderRun } from '../../temporal/order-workflow.ts';
import { OperatorError } from '../../program/operator-error.ts';
import { environmentOf } from '../../terminal/environment.ts';
import { untilInterrupted } from '../../terminal/interrupt.ts';
import { createProgressLine } from '../../terminal/progress-line.ts';
import { placeOf, rerunForgotten, type DeadLetteredOrder } from './rerun-forgotten.ts';
import { orderFilterOf, type OrderFilterFlags } from './filter-options.ts';

interface RerunFlags extends OrderFilterFlags {
  readonly failed?: true;
  readonly limit?: number;
  readonly rate: number;
  readonly dryRun?: true;
  readonly yes?: true;
  readonly wait?: true;
  readonly json?: true;
}

export async function rerun(
  ids: readonly string[],
  flags: RerunFlags,
  command: Command,
): Promise<void> {
  if (ids.length > 0 === (flags.failed ?? false)) {
    throw new OperatorError(
      'ARGUMENT_INVALID',
      'Which orders to run again is not clear',
      'name their IDs, or say --failed for all that have failed, with filters if you like',
    );
  }
  const { withOrders } = await import('./open-orders.ts');
  const env = environmentOf(command);
  await withOrders(env, (orders) => rerunChosen(env, orders, ids, flags));
}

async function rerunChosen(
  env: Environment,
  orders: OpenOrders,
  ids: readonly string[],
  flags: RerunFlags,
): Promise<void> {
  const { countRuns, listOrders } = await import('../../temporal/order-visibility.ts');
  const { rerunOrders } = await import('./rerun-orders.ts');
  const filter = orderFilterOf(flags, ['failed', 'timed-out']);
  const dryRun = flags.dryRun ?? false;
  const limit = flags.limit ?? Number.POSITIVE_INFINITY;
  const { runs, unknown } = flags.failed
    ? { runs: listOrders(orders, filter), unknown: [] }
    : await named(orders, ids);
  const expected = Math.min(limit, flags.failed ? await countRuns(orders, filter) : ids.length);
  if (expected > 1 && !dryRun && !flags.yes) await confirm(expected);
  const line = createProgressLine();
  await untilInterrupted(async (signal) => {
    const result = await rerunOrders(
      {
        client: orders.client,
        taskQueue: orders.settings.temporal.taskQueue,
        identity: `order-ingest-rerun@${hostname()}`,
      },
      upTo(limit, runs),
      {
        perSecond: flags.rate,
        dryRun,
        signal,
        onProgress: (handled) => {
          line.show(`${handled} of about ${expected}`);
        },
      },
    );
    line.clear();
    const forgotten = new Map([
      ...unknown.map((orderId) => [orderId, undefined] as const),
      ...result.gone.map((run) => [run.orderId, placeOf(run)] as const),
    ]);
    const found = await rerunForgotten(env, forgotten, dryRun, signal);
    const rerun: Rerun = {
      started: [...result.started, ...found.started],
      leftAlone: result.leftAlone + found.leftAlone.length,
      deadLetters: found.deadLetters,
      gone: found.gone,
    };
    const outcomes =
      flags.wait && !dryRun ? await waitFor(orders, rerun.started, signal) : undefined;
    print(rerun, outcomes, flags);
    if (signal.aborted) {
      throw new OperatorError(
        'INTERRUPTED',
        'Interrupted',
        'start it again: what has been started is left alone',
      );
    }
    failUnlessRun(rerun);
    if (outcomes?.some(({ status }) => status !== 'completed')) process.exitCode = 1;
  });
}

/** Throws where some of the orders that were asked for could not run. */
function failUnlessRun({ deadLetters, gone }: Rerun): void {
  const problems: string[] = [];
  const remedies: string[] = [];
  if (deadLetters.length > 0) {
    const listed = deadLetters.map(
      ({ orderId, partition, offset, reason }) =>
        `"${orderId}" (partition ${partition}, offset ${offset}${reason === undefined ? '' : `: ${reason}`})`,
    );
    problems.push(`Not run, since the message is a dead letter: ${listed.join(', ')}`);
    remedies.push(
      '`order-ingest orders show ID` says why; `order-ingest dead-letters replay` sends it again once that is fixed',
    );
  }
  if (gone.length > 0) {
    problems.push(`Neither Temporal nor the topic has ${gone.map((id) => `"${id}"`).join(', ')}`);
    remedies.push(
      'check the IDs: capital letters and white space count; where both have passed their retention, the producer has to send the order again',
    );
  }
  if (problems.length > 0)
    throw new OperatorError('ORDERS_NOT_RERUN', problems.join('; '), remedies.join('; '));
}

interface Rerun {
  /** Order IDs. */
  readonly started: readonly string[];
  readonly leftAlone: number;
  readonly deadLetters: readonly DeadLetteredOrder[];
  readonly gone: readonly string[];
}

/** The latest run of each that Temporal knows; those that have not failed are refused when started. */
async function named(
  orders: OpenOrders,
  ids: readonly string[],
): Promise<{ runs: readonly OrderRun[]; unknown: readonly string[] }> {
  const { findOrder } = await import('./find-order.ts');
  const runs: OrderRun[] = [];
  const unknown: string[] = [];
  for (const id of new Set(ids)) {
    const run = await findOrder(orders, id);
    if (run) runs.push(run);
    else unknown.push(id);
  }
  return { runs, unknown };
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
  const question = `About ${count} orders would be run again`;
  if (!process.stdin.isTTY || !process.stderr.isTTY) {
    throw new OperatorError(
      'CONFIRMATION_REQUIRED',
      question,
      'add --yes if that is what you want, or look with --dry-run',
    );
  }
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await terminal.question(`${question}. Go on? [y/N] `);
    if (!/^y(es)?$/i.test(answer)) {
      throw new OperatorError(
        'CONFIRMATION_DECLINED',
        'Nothing was run again',
        'answer "y" to go on',
      );
    }
  } finally {
    terminal.close();
  }
}

async function waitFor(
  orders: OpenOrders,
  ids: readonly string[],
  signal: AbortSignal,
): Promise<readonly OrderRun[]> {
  const { awaitOutcomes } = await import('./await-outcomes.ts');
  const line = createProgressLine();
  const outcomes = await awaitOutcomes(orders, ids, signal, (ended) => {
    line.show(`${ended} of ${ids.length} have ended`);
  });
  line.clear();
  return outcomes;
}

function print(
  { started, leftAlone, deadLetters, gone }: Rerun,
  outcomes: readonly OrderRun[] | undefined,
  flags: RerunFlags,
): void {
  const tally = outcomes && tallied(outcomes);
  if (flags.json) {
    console.log(
      JSON.stringify({
        dryRun: flags.dryRun ?? false,
        started: started.length,
        leftAlone,
        deadLetters,
        gone,
        ...(tally ? { outcomes: tally } : {}),
      }),
    );
    return;
  }
  const done = flags.dryRun ? 'would be run again' : 'run again';
  console.log(
    `${started.length} orders ${done}, ${leftAlone} left alone: they run or have completed.`,
  );
  for (const [outcome, count] of Object.entries(tally ?? {})) console.log(`  ${outcome}: ${count}`);
}

/** `completed`, the type of the failure, or how else it has ended. */
function tallied(outcomes: readonly OrderRun[]): Readonly<Record<string, number>> {
  const tally: Record<string, number> = {};
  for (const { status, failureType } of outcomes) {
    const outcome = failureType ?? status;
    tally[outcome] = (tally[outcome] ?? 0) + 1;
  }
  return tally;
}
