/** One measurement, in the benchmark's unit. */
export interface Sample {
  readonly value: number;
  /** CPU milliseconds by process for each order or message. */
  readonly cpu?: Readonly<Record<string, number>>;
  /** What else was measured at the same time, by its name. */
  readonly figures?: Readonly<Record<string, number>>;
}

/** One of the two sides of a ratio, or the only one of a plain figure. */
export interface Side {
  readonly name: string;
  /** Does the work once, on data of its own. */
  measure(): Promise<Sample>;
}

export interface Comparison {
  readonly subject: Side;
  /** Left out where the figure itself is what counts. */
  readonly baseline?: Side;
  close(): Promise<void>;
}

export interface Round {
  readonly subject: Sample;
  readonly baseline?: Sample;
}

/** Median, lowest and highest of some figures. */
export interface Spread {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

/** What a round says: the ratio, or the figure where there is nothing to divide it by. */
export const outcomeOf = ({ subject, baseline }: Round): number =>
  baseline ? subject.value / baseline.value : subject.value;

/**
 * Measures both sides in turn, each once before it counts. Which of them goes first changes from
 * round to round, so that a machine that slows down or warms up favours neither.
 */
export async function compare(
  { subject, baseline }: Comparison,
  rounds: number,
  onMeasured: (side: string, round: number, sample: Sample) => void,
): Promise<readonly Round[]> {
  const measure = async (side: Side, round: number) => {
    const sample = await side.measure();
    onMeasured(side.name, round, sample);
    return sample;
  };
  if (baseline) await measure(baseline, 0);
  await measure(subject, 0);
  const results: Round[] = [];
  for (let round = 1; round <= rounds; round += 1) {
    if (!baseline) {
      results.push({ subject: await measure(subject, round) });
    } else if (round % 2 === 1) {
      const first = await measure(subject, round);
      results.push({ subject: first, baseline: await measure(baseline, round) });
    } else {
      const first = await measure(baseline, round);
      results.push({ subject: await measure(subject, round), baseline: first });
    }
  }
  return results;
}

/**
 * Measures any number of sides in turn, each once before it counts. Each round begins with another one.
 */
export async function measureInTurn<Some extends Side>(
  sides: readonly Some[],
  rounds: number,
  onMeasured: (side: string, round: number, sample: Sample) => void,
): Promise<ReadonlyMap<Some, readonly Sample[]>> {
  const samples = new Map<Some, Sample[]>(sides.map((side) => [side, []]));
  for (let round = 0; round <= rounds; round += 1) {
    const first = round % sides.length;
    for (const side of [...sides.slice(first), ...sides.slice(0, first)]) {
      const sample = await side.measure();
      onMeasured(side.name, round, sample);
      if (round > 0) samples.get(side)?.push(sample);
    }
  }
  return samples;
}

export function spreadOf(figures: readonly number[]): Spread {
  const sorted = [...figures].sort((a, b) => a - b);
  const at = (index: number) => sorted[index] ?? Number.NaN;
  const middle = (sorted.length - 1) / 2;
  return {
    median: (at(Math.floor(middle)) + at(Math.ceil(middle))) / 2,
    low: at(0),
    high: at(sorted.length - 1),
  };
}

/** What is to be reached, and whether more or less than it is better. */
export type Goal = { readonly atLeast: number } | { readonly atMost: number };

export type Verdict = 'reached' | 'missed' | 'inconclusive';

/**
 * Within which the median lies in 95 runs of 100, whatever the distribution: so many of the lowest and of
 * the highest rounds are left out as the sign test allows; none where there are fewer than nine.
 */
export function medianInterval(figures: readonly number[]): Pick<Spread, 'low' | 'high'> {
  const count = figures.length;
  let leftOut = 0;
  // Of so many rounds below the median, by chance; and of no more than that.
  let chance = 0.5 ** count;
  let atMost = chance;
  for (;;) {
    chance *= (count - leftOut) / (leftOut + 1);
    atMost += chance;
    if (2 * atMost > 0.05) break;
    leftOut += 1;
  }
  const sorted = [...figures].sort((a, b) => a - b);
  const { low, high } = spreadOf(sorted.slice(leftOut, count - leftOut));
  return { low, high };
}

/** No verdict when the goal lies within the interval. */
export function judge({ low, high }: Pick<Spread, 'low' | 'high'>, goal: Goal): Verdict {
  const [worst, best, limit] =
    'atLeast' in goal ? [low, high, goal.atLeast] : [-high, -low, -goal.atMost];
  if (worst >= limit) return 'reached';
  return best < limit ? 'missed' : 'inconclusive';
}
