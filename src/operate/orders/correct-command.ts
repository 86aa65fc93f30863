import { readFileSync } from 'node:fs';
import { hostname, userInfo } from 'node:os';
import { text as readText } from 'node:stream/consumers';
import type { Command } from 'commander';
import type { OrderNamespace } from './open-orders.ts';
import { describeError, OperatorError } from '../../program/operator-error.ts';
import { environmentOf } from '../../terminal/environment.ts';
import { untilInterrupted } from '../../terminal/interrupt.ts';

interface CorrectFlags {
  readonly payload: string;
  readonly reason: string;
  readonly by?: string;
  readonly dryRun?: true;
  readonly wait?: true;
  readonly json?: true;
}

export async function correct(
  orderId: string,
  { payload, reason, by = whoAmI(), dryRun, wait, json }: CorrectFlags,
  command: Command,
): Promise<void> {
  const [{ withOrders }, { checkCorrection, correctOrder }, { findOrder }] = await Promise.all([
    import('./open-orders.ts'),
    import('./correct-order.ts'),
    import('./find-order.ts'),
  ]);
  const message = checkCorrection(orderId, await readPayloadFile(payload));
  await withOrders(environmentOf(command), async (orders) => {
    const run = await findOrder(orders, orderId);
    if (!run) {
      throw new OperatorError(
        'ORDER_NOT_FOUND',
        `Temporal does not know an order "${orderId}", or no longer`,
        'check the ID; an order that Temporal has forgotten can be sent to the topic again as it should be',
      );
    }
    const correction = { by, at: new Date().toISOString(), reason };
    const outcome = dryRun
      ? { kind: run.status === 'running' || run.status === 'completed' ? 'left-alone' : 'started' }
      : await correctOrder(
          {
            client: orders.client,
            taskQueue: orders.settings.temporal.taskQueue,
            identity: `order-ingest-correct@${hostname()}`,
          },
          run,
          message,
          correction,
        );
    if (outcome.kind === 'left-alone') {
      throw new OperatorError(
        'ORDER_NOT_FAILED',
        `"${orderId}" runs or has been stored: nothing was corrected`,
        'end it first with `order-ingest orders cancel` if it runs; a stored order is changed in Postgres; if its row is gone, `order-ingest replay --completed` brings it back',
      );
    }
    const ended = wait && !dryRun ? await outcomeOf(orders, orderId) : undefined;
    const result = { orderId, dryRun: dryRun ?? false, ...correction, outcome: ended };
    if (json) console.log(JSON.stringify(result));
    else if (dryRun) console.log(`${orderId}: the corrected message is a valid order`);
    else console.log(`${orderId}: runs with the corrected message${ended ? `; ${ended}` : ''}`);
    if (ended !== undefined && ended !== 'completed') process.exitCode = 1;
  });
}

/** `completed`, the type of the failure, or how else it has ended. */
async function outcomeOf(place: OrderNamespace, orderId: string): Promise<string | undefined> {
  const { awaitOutcomes } = await import('./await-outcomes.ts');
  const [run] = await untilInterrupted((signal) =>
    awaitOutcomes(place, [orderId], signal, () => undefined),
  );
  return run?.failureType ?? run?.status;
}

async function readPayloadFile(file: string): Promise<Buffer> {
  try {
    return file === '-' ? Buffer.from(await readText(process.stdin)) : readFileSync(file);
  } catch (error) {
    throw new OperatorError(
      'FILE_UNREADABLE',
      `The file of --payload cannot be read: ${describeError(error)}`,
      'name a file with the corrected JSON, or - for standard input',
      { cause: error },
    );
  }
}

const whoAmI = () => `${userInfo().username}@${hostname()}`;
