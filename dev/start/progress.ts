import { z } from 'zod';
import type { OutcomeSnapshot } from '../../src/bridge/outcome-counts.ts';
import { DEAD_LETTER_REASONS } from '../../src/contract/dead-letter.ts';
import type { Totals } from './totals.ts';

export const NOTHING_YET: OutcomeSnapshot = { read: 0, started: 0, duplicates: 0, deadLetters: {} };

const progressEvent = z.object({
  event: z.literal('bridge_progress'),
  read: z.number(),
  started: z.number(),
  duplicates: z.number(),
  deadLetters: z.partialRecord(z.enum(DEAD_LETTER_REASONS), z.number()),
});

/** The counts in a log event of the bridge; undefined for events without them. */
export const progressOf = (event: unknown): OutcomeSnapshot | undefined =>
  progressEvent.safeParse(event).data;

const sum = (counts: Readonly<Record<string, number>>): number =>
  Object.values(counts).reduce((total, count) => total + count, 0);

/** Whether every message read in this run has an outcome, and none is left on the topic. */
export const isDrained = (run: OutcomeSnapshot, totals: Totals): boolean =>
  totals.lag === 0 &&
  totals.running === 0 &&
  run.read === run.started + run.duplicates + sum(run.deadLetters);

const runLine = (run: OutcomeSnapshot): string =>
  `this run   read ${run.read}   started ${run.started}   duplicates ${run.duplicates}   dead-lettered ${sum(run.deadLetters)}`;

/** The two lines of the live view. */
export const progressLines = (run: OutcomeSnapshot, totals: Totals): readonly string[] => [
  runLine(run),
  `in total   stored ${totals.storedOrders}   failed ${totals.failed}   running ${totals.running}   on the topic ${totals.lag}`,
];

/** The same while one of the servers is unavailable. */
export const unreadLines = (run: OutcomeSnapshot, error: string): readonly string[] => [
  runLine(run),
  `in total   unavailable: ${error}`,
];

/** The outcomes, printed at the end of `--until-drained`. */
export function summary(
  run: OutcomeSnapshot,
  totals: Totals,
  failureTypes: Readonly<Record<string, number>>,
): string {
  const rows: readonly (readonly [string, number, string?])[] = [
    ['messages read in this run', run.read],
    ['  workflows started', run.started],
    ['  duplicates', run.duplicates],
    ['  dead letters', sum(run.deadLetters), listed(run.deadLetters)],
    ['orders in Postgres', totals.storedOrders],
    ['failed workflows', totals.failed, listed(failureTypes)],
    ['running workflows', totals.running],
    ['messages left on the topic', totals.lag],
  ];
  return rows
    .map(([name, count, detail]) =>
      `  ${name.padEnd(30)}${String(count).padStart(8)}${detail ? `   ${detail}` : ''}`.trimEnd(),
    )
    .join('\n');
}

const listed = (counts: Readonly<Record<string, number>>): string =>
  Object.entries(counts)
    .map(([name, count]) => `${name} ${count}`)
    .join(', ');
