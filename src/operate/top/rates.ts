import type { Answer } from '../../program/answer.ts';
import type { Sample } from './sample.ts';

/** Changes per second between two samples; undefined where one of the samples lacks the value. */
export interface Rates {
  /** Messages that were produced to the topic. */
  readonly arrived: number | undefined;
  /** Messages that the group has committed. */
  readonly read: number | undefined;
  /** Workflow runs that were started, including re-runs. */
  readonly started: number | undefined;
  /** Rows that were inserted. */
  readonly stored: number | undefined;
  /** Workflow runs that have failed. */
  readonly failed: number | undefined;
}

export function ratesBetween(before: Sample, now: Sample): Rates {
  const seconds = (now.at - before.at) / 1000;
  const rate = <Value>(
    answerIn: (sample: Sample) => Answer<Value>,
    count: (value: Value) => number,
  ): number | undefined => {
    const [earlier, later] = [answerIn(before), answerIn(now)];
    if (!earlier.ok || !later.ok || seconds <= 0) return undefined;
    // Counts can decrease: Temporal no longer counts workflows past their retention.
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
