import type { OrderMessage } from '../../contract/message.ts';
import type { OrderStory, OrderInTemporal, Part } from './order-details.ts';
import type { FoundDeadLetter } from '../dead-letters/open-dead-letters.ts';
import type { StoredOrder } from '../../order/sql/find-orders.ts';
import { deadLetterAsJson } from '../dead-letters/dead-letter-text.ts';
import { table } from '../../terminal/table.ts';
import type { OrderRun } from '../../temporal/order-workflow.ts';
import type { PendingAttempt } from './pending-attempt.ts';

type Temporal = Part<OrderInTemporal>;
type Stored = Part<StoredOrder | undefined>;
type DeadLetters = Part<readonly FoundDeadLetter[]>;

export function workflowAndRowText(orderId: string, temporal: Temporal, stored: Stored): string {
  const link = temporal.ok ? temporal.value.link : undefined;
  return [
    `order ${orderId}${link === undefined ? '' : `\n${link}`}`,
    section('In Temporal', temporal, ({ story }) => (story ? temporalText(story) : 'no workflow')),
    section('In Postgres', stored, (row) => (row ? storedText(row) : 'no row')),
  ].join('\n\n');
}

export const deadLettersText = (deadLetters: DeadLetters): string =>
  section('Dead letters', deadLetters, (letters) =>
    letters.length === 0
      ? 'none'
      : table(
          ['letter', 'reason', 'replayed', 'error'],
          letters.map(({ letter: { id, account }, isReplayed }) => [
            id,
            account.reason,
            isReplayed ? 'yes' : 'no',
            account.error,
          ]),
        ),
  );

const section = <Value>(title: string, part: Part<Value>, text: (value: Value) => string) =>
  `${title}\n${indented(part.ok ? text(part.value) : `could not be read: ${part.error}`)}`;

const indented = (text: string) => text.replaceAll(/^(?=.)/gm, '  ');

const time = (milliseconds: number | undefined) =>
  milliseconds === undefined ? '' : new Date(milliseconds).toISOString();

function temporalText({ runs, message, pending }: OrderStory): string {
  const parts = [
    table(
      ['started', 'ended', 'status', 'failure'],
      runs.map((run) => [
        time(run.startedAt),
        time(run.closedAt),
        run.status,
        [run.failureType, run.failure].filter(Boolean).join(': '),
      ]),
    ),
    ...pending.map(
      ({ activity, attempt, lastFailure, nextAttemptAt }) =>
        `waits for ${activity}, attempt ${attempt}${nextAttemptAt === undefined ? ', under way' : `, next at ${time(nextAttemptAt)}`}${lastFailure === undefined ? '' : `\nlast failure: ${lastFailure}`}`,
    ),
  ];
  if (message) {
    const { topic, partition, offset, timestamp } = message.source;
    parts.push(
      `message from ${topic}, partition ${partition}, offset ${offset}, sent ${time(Number(timestamp))}${correctionText(message.correction)}\n${message.text}`,
    );
  }
  return parts.join('\n\n');
}

const correctionText = (correction: OrderMessage['correction']): string =>
  correction ? `,\ncorrected by ${correction.by} at ${correction.at}: ${correction.reason}` : '';

function storedText(row: StoredOrder): string {
  const { line_items: items, ...columns } = row;
  const known = Object.entries(columns).filter(([, value]) => value !== null);
  const width = Math.max(...known.map(([name]) => name.length));
  const lines = known.map(([name, value]) => `${name.padEnd(width)}  ${value}`);
  const lineItems = table(
    ['product_id', 'quantity', 'unit_price'],
    items.map((item) => [item.product_id, item.quantity, item.unit_price]),
    { alignRight: [1, 2] },
  );
  return `${lines.join('\n')}\n\n${lineItems}`;
}

export const storyAsJson = (
  orderId: string,
  {
    temporal,
    stored,
    deadLetters,
  }: {
    readonly temporal: Temporal;
    readonly stored: Stored;
    readonly deadLetters: DeadLetters;
  },
) => ({
  orderId,
  link: temporal.ok ? temporal.value.link : undefined,
  temporal: jsonPart(
    temporal,
    ({ story }) =>
      story && {
        ...story,
        runs: story.runs.map(runAsJson),
        pending: story.pending.map(pendingAsJson),
      },
  ),
  stored: jsonPart(stored, (row) => row),
  deadLetters: jsonPart(deadLetters, (letters) =>
    letters.map(({ letter, isReplayed }) => deadLetterAsJson(letter, isReplayed)),
  ),
});

/** Null where there is nothing. */
const jsonPart = <Value>(part: Part<Value>, json: (value: Value) => unknown): unknown =>
  part.ok ? (json(part.value) ?? null) : { error: part.error };

/** As `--json` prints it: times in ISO 8601. */
export const runAsJson = (run: OrderRun) => ({
  ...run,
  startedAt: new Date(run.startedAt).toISOString(),
  closedAt: isoTime(run.closedAt),
});

export const pendingAsJson = (pending: PendingAttempt) => ({
  ...pending,
  nextAttemptAt: isoTime(pending.nextAttemptAt),
});

const isoTime = (milliseconds: number | undefined) =>
  milliseconds === undefined ? undefined : new Date(milliseconds).toISOString();
