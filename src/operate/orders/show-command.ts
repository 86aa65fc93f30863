import type { Command } from 'commander';
import type { WholeStory } from './order-details.ts';
import { OperatorError } from '../../program/operator-error.ts';
import { environmentOf } from '../../terminal/environment.ts';
import { deadLettersText, storyAsJson, workflowAndRowText } from './order-text.ts';

export async function show(
  orderId: string,
  flags: { readonly since?: number; readonly json?: true; readonly raw?: true },
  command: Command,
): Promise<void> {
  const { wholeStory } = await import('./order-details.ts');
  const story = wholeStory(environmentOf(command), orderId, { since: flags.since });
  if (flags.raw) console.log(await messageText(orderId, story));
  else if (flags.json) {
    const parts = await allParts(story);
    failUnlessFound(orderId, parts);
    console.log(JSON.stringify(storyAsJson(orderId, parts)));
  } else await printAsRead(orderId, story);
}

async function messageText(orderId: string, { temporal }: WholeStory): Promise<string> {
  const read = await temporal;
  const text = read.ok ? read.value.story?.message?.text : undefined;
  if (text !== undefined) return text;
  throw new OperatorError(
    read.ok ? 'ORDER_NOT_FOUND' : 'SOURCE_UNREADABLE',
    read.ok
      ? `Temporal has no message of an order "${orderId}", or no longer`
      : `The message could not be read: ${read.error}`,
    'check the ID: capital letters and white space count',
  );
}

type Parts = {
  readonly [Name in 'temporal' | 'stored' | 'deadLetters']: Awaited<WholeStory[Name]>;
};

const allParts = async ({ temporal, stored, deadLetters }: WholeStory): Promise<Parts> => ({
  temporal: await temporal,
  stored: await stored,
  deadLetters: await deadLetters,
});

/** Each section when it has been read: the dead letters come last, and may take a while. */
async function printAsRead(orderId: string, story: WholeStory): Promise<void> {
  const [temporal, stored] = await Promise.all([story.temporal, story.stored]);
  const isFound =
    (temporal.ok && temporal.value.story !== undefined) ||
    (stored.ok && stored.value !== undefined);
  if (isFound) console.log(workflowAndRowText(orderId, temporal, stored));
  const parts = await allParts(story);
  failUnlessFound(orderId, parts);
  if (!isFound) console.log(workflowAndRowText(orderId, temporal, stored));
  console.log(`\n${deadLettersText(parts.deadLetters)}`);
}

/** Throws where there is no such order; a server that could not be asked makes the exit code 1. */
function failUnlessFound(orderId: string, { temporal, stored, deadLetters }: Parts): void {
  const isNowhere =
    (temporal.ok ? temporal.value.story === undefined : true) &&
    (stored.ok ? stored.value === undefined : true) &&
    (deadLetters.ok ? deadLetters.value.length === 0 : true);
  const unread = [temporal, stored, deadLetters].flatMap((part) => (part.ok ? [] : [part.error]));
  if (isNowhere) {
    throw new OperatorError(
      'ORDER_NOT_FOUND',
      `There is no order "${orderId}"${unread.length > 0 ? ` where it could be looked for; ${unread.join('; ')}` : ': no workflow, no row and no dead letter'}`,
      'check the ID: capital letters and white space count',
    );
  }
  if (unread.length > 0) process.exitCode = 1;
}
