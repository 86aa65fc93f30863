import type { Command } from 'commander';
import { OperatorError } from '../../program/operator-error.ts';
import { environmentOf } from '../../terminal/environment.ts';
import { readOrderDetails, type OrderDetails, type OrderDetailsParts } from './order-details.ts';
import { deadLettersText, detailsAsJson, workflowAndRowText } from './order-text.ts';

interface ShowFlags {
  readonly since?: number;
  readonly json?: true;
  readonly raw?: true;
}

/** `orders show`: prints what Temporal, Postgres and the dead-letter topic have about one order. */
export async function show(orderId: string, flags: ShowFlags, command: Command): Promise<void> {
  const details = readOrderDetails(environmentOf(command), orderId, { since: flags.since });
  if (flags.raw) console.log(await messageText(orderId, details));
  else if (flags.json) {
    const parts = await allParts(details);
    failUnlessFound(orderId, parts);
    console.log(JSON.stringify(detailsAsJson(orderId, parts)));
  } else await printAsRead(orderId, details);
}

async function messageText(orderId: string, details: OrderDetails): Promise<string> {
  const temporal = await details.temporal;
  const text = temporal.ok ? temporal.value.workflow?.message?.text : undefined;
  if (text !== undefined) return text;
  if (temporal.ok) {
    throw new OperatorError(
      'ORDER_NOT_FOUND',
      `Temporal has no message of the order "${orderId}", or its retention has passed`,
      CHECK_ID,
    );
  }
  throw new OperatorError(
    'SOURCE_UNREADABLE',
    `The message could not be read: ${temporal.error}`,
    'fix the cause and run the command again',
  );
}

const CHECK_ID = 'check the ID, including upper and lower case and white space';

const allParts = async (details: OrderDetails): Promise<OrderDetailsParts> => ({
  temporal: await details.temporal,
  stored: await details.stored,
  deadLetters: await details.deadLetters,
});

/** Prints each section once it has been read: reading the dead letters may take a while. */
async function printAsRead(orderId: string, details: OrderDetails): Promise<void> {
  const [temporal, stored] = await Promise.all([details.temporal, details.stored]);
  const isFound =
    (temporal.ok && temporal.value.workflow !== undefined) ||
    (stored.ok && stored.value !== undefined);
  if (isFound) console.log(workflowAndRowText(orderId, { temporal, stored }));
  const parts = await allParts(details);
  failUnlessFound(orderId, parts);
  if (!isFound) console.log(workflowAndRowText(orderId, parts));
  console.log(`\n${deadLettersText(parts.deadLetters)}`);
}

/** Throws when there is no such order. A server that could not be read sets exit code 1. */
function failUnlessFound(
  orderId: string,
  { temporal, stored, deadLetters }: OrderDetailsParts,
): void {
  const isNowhere =
    (temporal.ok ? temporal.value.workflow === undefined : true) &&
    (stored.ok ? stored.value === undefined : true) &&
    (deadLetters.ok ? deadLetters.value.length === 0 : true);
  const unread = [temporal, stored, deadLetters].flatMap((part) => (part.ok ? [] : [part.error]));
  if (isNowhere) {
    const problem =
      unread.length > 0
        ? `No order "${orderId}" was found; these could not be read: ${unread.join('; ')}`
        : `There is no order "${orderId}": no workflow, no row and no dead letter`;
    throw new OperatorError('ORDER_NOT_FOUND', problem, CHECK_ID);
  }
  if (unread.length > 0) process.exitCode = 1;
}
