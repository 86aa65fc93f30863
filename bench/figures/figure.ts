import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Result } from '../harness/report.ts';
import { ratioOf } from './numbers.ts';

/**
 * One figure of a result.
 *
 * @param file its name without `.json`, such as `start-dev`
 * @param keys the path in it, such as `subject.cpu.bridge`
 */
export function figureOf(folder: string, file: string, keys: string): number {
  let value: unknown = readFile(folder, file);
  for (const key of keys.split('.')) {
    value = (value as Readonly<Record<string, unknown>> | undefined)?.[key];
  }
  if (typeof value !== 'number') throw new Error(`${file}.json has no number at ${keys}`);
  return value;
}

/** The ratio of an order's CPU time over all processes, had only that decided: the baseline's ÷ the subject's. */
export function cpuRatioOf(folder: string, file: string): number {
  const { subject, baseline } = readFile(folder, file) as Result;
  const sum = (cpu: Readonly<Record<string, number>> = {}) =>
    Object.values(cpu).reduce((total, ms) => total + ms, 0);
  return sum(baseline?.cpu) / sum(subject.cpu);
}

/** `0.28, target missed` */
export function outcomeOf(folder: string, file: string): string {
  const { outcome, verdict } = readFile(folder, file) as Result;
  const text = verdict === 'inconclusive' ? verdict : `target ${verdict}`;
  return verdict ? `${ratioOf(outcome.median)}, ${text}` : ratioOf(outcome.median);
}

const readFile = (folder: string, file: string): unknown =>
  JSON.parse(readFileSync(path.join(folder, `${file}.json`), 'utf8'));
