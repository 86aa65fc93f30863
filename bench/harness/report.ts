import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Benchmark, Form } from '../benchmarks/benchmark.ts';
import {
  judge,
  outcomeOf,
  spreadOf,
  type Comparison,
  type Goal,
  type Round,
  type Sample,
  type Spread,
  type Verdict,
} from './compare.ts';
import type { TemporalKind } from '../../dev/stack/service.ts';
import { describeMachine } from './machine.ts';
import type { MeasuredCode } from './measured-code.ts';

export interface Result {
  readonly name: string;
  /** The spread of the ratio, or of the figure if there is no baseline. */
  readonly outcome: Spread;
  readonly goal?: Goal;
  readonly verdict?: Verdict;
  readonly unit: string;
  readonly subject: SideResult;
  readonly baseline?: SideResult;
  readonly rounds: readonly Round[];
}

export interface SideResult {
  readonly name: string;
  readonly value: Spread;
  /** Median CPU milliseconds per order or message, by process. */
  readonly cpu: Readonly<Record<string, number>>;
  /** The median of each figure. */
  readonly figures: Readonly<Record<string, number>>;
}

export function resultOf(
  { name, goal, unit }: Benchmark,
  { subject, baseline }: Comparison,
  rounds: readonly Round[],
): Result {
  const outcomes = rounds.map(outcomeOf);
  const baselineSamples = rounds.flatMap((round) => round.baseline ?? []);
  return {
    name,
    outcome: spreadOf(outcomes),
    ...(goal ? { goal, verdict: judge(outcomes, goal) } : {}),
    unit,
    subject: sideResult(
      subject.name,
      rounds.map((round) => round.subject),
    ),
    ...(baseline ? { baseline: sideResult(baseline.name, baselineSamples) } : {}),
    rounds,
  };
}

export function sideResult(name: string, samples: readonly Sample[]): SideResult {
  return {
    name,
    value: spreadOf(samples.map(({ value }) => value)),
    cpu: medians(samples.map(({ cpu }) => cpu ?? {})),
    figures: medians(samples.map(({ figures }) => figures ?? {})),
  };
}

export const medians = (
  records: readonly Readonly<Record<string, number>>[],
): Readonly<Record<string, number>> =>
  Object.fromEntries(
    Object.keys(records[0] ?? {}).map((key) => [
      key,
      spreadOf(records.map((record) => record[key] ?? 0)).median,
    ]),
  );

const VERDICTS: Record<Verdict, string> = {
  reached: 'reached',
  missed: 'MISSED',
  inconclusive: 'inconclusive',
};

/** One line: the figure, its target and both sides. */
export function describeResult({ name, outcome, goal, verdict, unit, ...sides }: Result): string {
  const target = goal ? goalText(goal) : '';
  const medians = [sides.subject, sides.baseline].flatMap((side) =>
    side ? format(side.value.median) : [],
  );
  return [
    name.padEnd(NAME_WIDTH),
    `${format(outcome.median)} (${format(outcome.low)} to ${format(outcome.high)})`.padEnd(22),
    `${target.padEnd(7)} ${(verdict ? VERDICTS[verdict] : '').padEnd(13)}`,
    `${medians.join(' ÷ ')} ${unit}`,
  ].join(' ');
}

export const goalText = (goal: Goal): string =>
  'atLeast' in goal ? `≥ ${goal.atLeast}` : `≤ ${goal.atMost}`;

/** Variants on one line. */
export const describeSides = (name: string, sides: readonly SideResult[], unit: string): string =>
  `${name.padEnd(NAME_WIDTH)} ${sides.map((side) => `${side.name}: ${format(side.value.median)}`).join(', ')} ${unit}`;

const NAME_WIDTH = 20;

export const format = (figure: number): string =>
  figure >= 100 ? String(Math.round(figure)) : figure.toFixed(2);

/** Writes a result, with what it was measured on, to a file, and returns its path. */
export function writeResult(
  folder: string,
  name: string,
  result: object,
  temporal: TemporalKind,
  {
    code,
    form = 'full',
    serverVersion,
  }: { readonly code: MeasuredCode; readonly form?: Form; readonly serverVersion: string },
): string {
  mkdirSync(folder, { recursive: true });
  const file = path.join(folder, `${name}-${temporal}.json`);
  const content = {
    measured: new Date().toISOString(),
    temporal,
    form,
    machine: { ...describeMachine(), 'Temporal server': serverVersion },
    code: code.hashes,
    name,
    ...result,
  };
  writeFileSync(file, `${JSON.stringify(content, undefined, 2)}\n`);
  return file;
}
