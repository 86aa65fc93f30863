import type { OrderMessage } from '../../contract/message.ts';
import type { FoundDeadLetter } from '../dead-letters/open-dead-letters.ts';
import type { OrderDescription, OrderList } from '../../contract/order-module.ts';
import { deadLetterAsJson } from '../dead-letters/dead-letter-text.ts';
import { table } from '../../terminal/table.ts';
import { isDelayed, type OrderRun, type PendingActivity } from '../../temporal/order-workflow.ts';
import type { Answer } from '../../program/answer.ts';
import type { OrderDetailsParts, WorkflowDetails } from './order-details.ts';

export function workflowAndRowText(
  orderId: string,
  { temporal, stored }: Pick<OrderDetailsParts, 'temporal' | 'stored'>,
): string {
  const link = temporal.ok ? temporal.value.link : undefined;
  return [
    `order ${orderId}${link === undefined ? '' : `\n${link}`}`,
    section('In Temporal', temporal, ({ workflow }) =>
      workflow ? workflowText(workflow) : 'no workflow',
    ),
    section('In Postgres', stored, (order) => (order ? storedText(order) : 'no row')),
  ].join('\n\n');
}

export const deadLettersText = (deadLetters: Answer<readonly FoundDeadLetter[]>): string =>
  section('Dead letters', deadLetters, (letters) =>
    letters.length === 0
      ? 'none'
      : table(
          ['id', 'reason', 'requeued', 'error'],
          letters.map(({ deadLetter: { id, metadata }, isRequeued }) => [
            id,
            metadata.reason,
            isRequeued ? 'yes' : 'no',
            metadata.error,
          ]),
        ),
  );

const section = <Value>(title: string, part: Answer<Value>, text: (value: Value) => string) =>
  `${title}\n${indented(part.ok ? text(part.value) : `could not be read: ${part.error}`)}`;

const indented = (text: string) => text.replaceAll(/^(?=.)/gm, '  ');

const time = (milliseconds: number | undefined) => isoTime(milliseconds) ?? '';

function workflowText(workflow: WorkflowDetails): string {
  const { runs, message, pending } = workflow;
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
    ...schedulingText(workflow),
    ...pending.map(
      ({ activity, attempt, lastFailure, nextAttemptAt }) =>
        `waiting for ${activity}, attempt ${attempt}${nextAttemptAt === undefined ? ', in progress' : `, due at ${time(nextAttemptAt)}`}${lastFailure === undefined ? '' : `\nlast failure: ${lastFailure}`}`,
    ),
  ];
  if (message) {
    const { topic, partition, offset, timestamp } = message.source;
    parts.push(
      `message from ${topic}, partition ${partition}, offset ${offset}, sent ${time(Number(timestamp))}${correctionText(message.correction)}\n${message.text.trimEnd()}`,
    );
  }
  return parts.join('\n\n');
}

function schedulingText({ runs, priority, fairnessKey }: WorkflowDetails): readonly string[] {
  const [run] = runs;
  const keys = [
    ...(priority === undefined ? [] : [`priority ${priority}`]),
    ...(fairnessKey === undefined ? [] : [`fairness key ${fairnessKey}`]),
  ].join(', ');
  return [
    ...(run && isDelayed(run)
      ? [`waiting for the end of its start delay at ${time(run.delayedUntil)}`]
      : []),
    ...(keys === '' ? [] : [keys]),
  ];
}

const correctionText = (correction: OrderMessage['correction']): string =>
  correction ? `,\ncorrected by ${correction.by} at ${correction.at}: ${correction.reason}` : '';

function storedText({ columns, lists }: OrderDescription): string {
  const known = Object.entries(columns).filter(([, value]) => value !== null);
  const width = Math.max(...known.map(([name]) => name.length));
  const lines = known.map(([name, value]) => `${name.padEnd(width)}  ${value}`);
  return [lines.join('\n'), ...Object.values(lists).map(listText)].join('\n\n');
}

const listText = ({ columns, numeric, rows }: OrderList): string =>
  table(
    columns,
    rows.map((row) => row.map((value) => value ?? '')),
    { alignRight: numeric.map((name) => columns.indexOf(name)) },
  );

/** The columns of the order, and each list as an array of objects. */
const storedAsJson = ({ columns, lists }: OrderDescription) => ({
  ...columns,
  ...Object.fromEntries(
    Object.entries(lists).map(([name, list]) => [
      name,
      list.rows.map((row) =>
        Object.fromEntries(list.columns.map((column, index) => [column, row[index]])),
      ),
    ]),
  ),
});

export const detailsAsJson = (
  orderId: string,
  { temporal, stored, deadLetters }: OrderDetailsParts,
) => ({
  orderId,
  link: temporal.ok ? temporal.value.link : undefined,
  temporal: jsonPart(
    temporal,
    ({ workflow }) =>
      workflow && {
        runs: workflow.runs.map(runAsJson),
        message: workflow.message,
        priority: workflow.priority,
        fairnessKey: workflow.fairnessKey,
        pending: workflow.pending.map(pendingAsJson),
      },
  ),
  stored: jsonPart(stored, (order) => order && storedAsJson(order)),
  deadLetters: jsonPart(deadLetters, (letters) =>
    letters.map(({ deadLetter, isRequeued }) => deadLetterAsJson(deadLetter, isRequeued)),
  ),
});

/** Null where the server has nothing about the order. */
const jsonPart = <Value>(part: Answer<Value>, json: (value: Value) => unknown): unknown =>
  part.ok ? (json(part.value) ?? null) : { error: part.error };

/** As `--json` prints it: times in ISO 8601. The keys are stable. */
export const runAsJson = (run: OrderRun) => ({
  orderId: run.orderId,
  workflowId: run.workflowId,
  runId: run.runId,
  status: run.status,
  failureType: run.failureType,
  failure: run.failure,
  source: run.source,
  startedAt: isoTime(run.startedAt),
  closedAt: isoTime(run.closedAt),
  delayedUntil: isoTime(run.delayedUntil),
});

export const pendingAsJson = ({
  activity,
  attempt,
  lastFailure,
  nextAttemptAt,
}: PendingActivity) => ({
  activity,
  attempt,
  lastFailure,
  nextAttemptAt: isoTime(nextAttemptAt),
});

const isoTime = (milliseconds: number | undefined) =>
  milliseconds === undefined ? undefined : new Date(milliseconds).toISOString();
