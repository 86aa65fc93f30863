import type { Part, Sample } from './sample.ts';

/** How fast things went between two samples, a second; undefined where one of them is not known. */
export interface Rates {
  /** Messages that arrived on the topic. */
  readonly arrived: number | undefined;
  /** Messages that the group has committed. */
  readonly read: number | undefined;
  /** Workflows that were started; runs that are run again included. */
  readonly started: number | undefined;
  /** Rows that were inserted. */
  readonly stored: number | undefined;
  /** Workflows that have failed. */
  readonly failed: number | undefined;
}

export function ratesBetween(before: Sample, now: Sample): Rates {
  const seconds = (now.at - before.at) / 1000;
  const rate = <Value>(
    part: (sample: Sample) => Part<Value>,
    count: (value: Value) => number,
  ): number | undefined => {
    const [earlier, later] = [part(before), part(now)];
    if (!earlier.ok || !later.ok || seconds <= 0) return undefined;
    // Workflows past their retention are no longer counted.
    return Math.max(0, count(later.value) - count(earlier.value)) / seconds;
  };
  return {
    arrived: rate(
      ({ kafka }) => kafka,
      ({ end }) => end,
    ),
    read: rate(
      ({ kafka }) => kafka,
      ({ committed }) => committed,
    ),
    started: rate(
      ({ temporal }) => temporal,
      ({ running, completed, failed }) => running + completed + failed,
    ),
    stored: rate(
      ({ postgres }) => postgres,
      ({ inserted }) => inserted,
    ),
    failed: rate(
      ({ temporal }) => temporal,
      ({ failed }) => failed,
    ),
  };
}
