import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Benchmark } from '../benchmarks/benchmark.ts';
import { judge, rate, spreadOf, type Round, type Spread, type Verdict } from './compare.ts';
import { describeMachine } from './machine.ts';

export interface Result {
  readonly name: string;
  readonly ratio: Spread;
  readonly toReach: number;
  readonly verdict: Verdict;
  /** Units a second. */
  readonly subject: Spread;
  readonly baseline: Spread;
  /** Median CPU milliseconds a unit, by process. */
  readonly subjectCpu: Readonly<Record<string, number>>;
  readonly baselineCpu: Readonly<Record<string, number>>;
  readonly rounds: readonly Round[];
}

export function resultOf({ name, toReach }: Benchmark, rounds: readonly Round[]): Result {
  const ratio = spreadOf(rounds.map(({ subject, baseline }) => rate(subject) / rate(baseline)));
  return {
    name,
    ratio,
    toReach,
    verdict: judge(ratio, toReach),
    subject: spreadOf(rounds.map(({ subject }) => rate(subject))),
    baseline: spreadOf(rounds.map(({ baseline }) => rate(baseline))),
    subjectCpu: cpuOf(rounds.map(({ subject }) => subject)),
    baselineCpu: cpuOf(rounds.map(({ baseline }) => baseline)),
    rounds,
  };
}

function cpuOf(samples: readonly Round['subject'][]): Readonly<Record<string, number>> {
  const names = Object.keys(samples[0]?.cpu ?? {});
  return Object.fromEntries(
    names.map((name) => [
      name,
      spreadOf(samples.map(({ cpu, count }) => ((cpu?.[name] ?? 0) * 1000) / count)).median,
    ]),
  );
}

const VERDICTS: Record<Verdict, string> = {
  reached: 'reached',
  missed: 'missed',
  inconclusive: 'inconclusive: the rounds lie on both sides',
};

export function describeResult(result: Result, { unit, ratio }: Benchmark): string {
  const { median, low, high } = result.ratio;
  const perSecond = ({ median: middle }: Spread) => `${Math.round(middle)} ${unit}/s`;
  const cpu = (usage: Readonly<Record<string, number>>) => {
    const parts = Object.entries(usage).map(([name, ms]) => `${name} ${ms.toFixed(2)}`);
    return parts.length > 0 ? `\n    CPU ms each: ${parts.join(', ')}` : '';
  };
  return [
    `${result.name}: ${median.toFixed(2)} (${low.toFixed(2)} to ${high.toFixed(2)}), to reach ${result.toReach}: ${VERDICTS[result.verdict]}`,
    `  ${ratio}`,
    `  ${perSecond(result.subject)} ÷ ${perSecond(result.baseline)}`,
    `  subject${cpu(result.subjectCpu)}`,
    `  baseline${cpu(result.baselineCpu)}`,
  ].join('\n');
}

/** Keeps what was measured, with the machine; answers with the file's name. */
export function writeResult(folder: string, result: Result, temporal: string): string {
  mkdirSync(folder, { recursive: true });
  const file = path.join(folder, `${result.name}-${temporal}.json`);
  const content = {
    measured: new Date().toISOString(),
    temporal,
    machine: describeMachine(),
    ...result,
  };
  writeFileSync(file, `${JSON.stringify(content, undefined, 2)}\n`);
  return file;
}
