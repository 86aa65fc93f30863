import { spreadOf } from '../harness/compare.ts';
import { format } from '../harness/report.ts';
import { JITTER_MS, type EnduranceResult, type EnduranceSample } from './run-for-long.ts';

/** One line of progress. */
export const describeSample = (sample: EnduranceSample): string =>
  [
    `${Math.round(sample.seconds)} s`,
    `${sample.stored} orders`,
    `${format(sample.perSecond)}/s`,
    `CPU ms per order: ${list(sample.cpu)}`,
    `MiB: ${list(sample.mebibytes)}`,
    `${sample.workflows} workflows in Temporal, ${Math.round(sample.temporalMebibytes)} MiB`,
  ].join('  ');

const list = (figures: Readonly<Record<string, number>>): string =>
  Object.entries(figures)
    .map(([name, figure]) => `${name} ${format(figure)}`)
    .join(', ');

/** A tenth of the orders. */
export interface Tenth {
  /** At the end of it. */
  readonly stored: number;
  /** The median of its samples. */
  readonly perSecond: number;
  /** CPU milliseconds per order of all processes, the median of its samples. */
  readonly cpu: number;
  /** The highest of its samples, by process. */
  readonly mebibytes: Readonly<Record<string, number>>;
  /** At the end of it: see `EnduranceSample`. */
  readonly workflows: number;
  readonly temporalMebibytes: number;
}

/** The tenths of the orders, without those that have no samples. */
export function tenthsOf({ samples, orders }: EnduranceResult): readonly Tenth[] {
  return Array.from({ length: 10 }, (_, tenth) => tenth).flatMap((tenth) => {
    const inside = samples.filter(
      ({ stored }) => stored > (orders * tenth) / 10 && stored <= (orders * (tenth + 1)) / 10,
    );
    const last = inside.at(-1);
    if (!last) return [];
    const { stored, workflows, temporalMebibytes } = last;
    return {
      stored,
      workflows,
      temporalMebibytes,
      perSecond: spreadOf(inside.map(({ perSecond }) => perSecond)).median,
      cpu: spreadOf(inside.map(({ cpu }) => sumOf(cpu))).median,
      mebibytes: Object.fromEntries(
        Object.keys(last.mebibytes).map((name) => [
          name,
          Math.max(...inside.map(({ mebibytes }) => mebibytes[name] ?? 0)),
        ]),
      ),
    };
  });
}

/**
 * CPU milliseconds of a process per deleted workflow: what its orders took more, once deletion went on, than the median
 * of the time before. Undefined if nothing was deleted.
 */
export function deletionCpu(
  { samples, retentionMs }: EnduranceResult,
  process: string,
): number | undefined {
  const isBefore = ({ seconds }: EnduranceSample) =>
    seconds * 1000 > retentionMs / 2 && seconds * 1000 < retentionMs;
  const cpuOf = ({ cpu }: EnduranceSample) => cpu[process] ?? Number.NaN;
  const usual = spreadOf(samples.filter(isBefore).map(cpuOf)).median;
  let deleted = 0;
  let cpuMs = 0;
  for (const [index, sample] of samples.entries()) {
    const last = samples[index - 1];
    if (!last || last.seconds * 1000 < retentionMs + JITTER_MS) continue;
    const stored = sample.stored - last.stored;
    deleted += stored - (sample.workflows - last.workflows);
    cpuMs += (cpuOf(sample) - usual) * stored;
  }
  return deleted > 0 ? cpuMs / deleted : undefined;
}

const sumOf = (figures: Readonly<Record<string, number>>): number =>
  Object.values(figures).reduce((sum, figure) => sum + figure, 0);

export function summarize(result: EnduranceResult): string {
  const { samples, orders, deadLetters } = result;
  const seconds = samples.at(-1)?.seconds ?? 0;
  const tenths = tenthsOf(result);
  const rates = spreadOf(tenths.map(({ perSecond }) => perSecond));
  return [
    `${orders} orders in ${format(seconds / 60)} min, ${format(orders / seconds)}/s; every order is one row; every offset is committed; ${deadLetters} dead letters`,
    `  rate in each tenth of the run: ${format(rates.low)} to ${format(rates.high)} orders/s`,
    ...Object.keys(tenths[0]?.mebibytes ?? {}).map((name) => {
      const of = (tenth: Tenth | undefined) => Math.round(tenth?.mebibytes[name] ?? 0);
      return `  memory of ${name}: ${of(tenths[1])} MiB in the second tenth, ${of(tenths.at(-1))} MiB in the last`;
    }),
    `  workflows that Temporal has: ${Math.max(...samples.map(({ workflows }) => workflows))} at most`,
  ].join('\n');
}
