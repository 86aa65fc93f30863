/** One measurement, in the benchmark's unit. */
export interface Sample {
  readonly value: number;
  /** CPU milliseconds per order or message, by process. */
  readonly cpu?: Readonly<Record<string, number>>;
  /** Other figures measured at the same time, by name. */
  readonly figures?: Readonly<Record<string, number>>;
}

/** One side of a ratio, or the only side of a figure without a baseline. */
export interface Side {
  readonly name: string;
  /** Does the work once, on its own data. */
  measure(): Promise<Sample>;
}

export interface Comparison {
  readonly subject: Side;
  /** Absent where the figure itself has a goal. */
  readonly baseline?: Side;
  /** False where each measurement warms up by itself. */
  readonly needsWarmUp?: boolean;
  close(): Promise<void>;
}

export interface Round {
  readonly subject: Sample;
  readonly baseline?: Sample;
}

/** The median and the range of some figures. */
export interface Spread {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

/** The rounds as a benchmark has them that compares one of the figures. */
export const roundsOf = (
  figure: string,
  rounds: readonly Round[],
  unit: string,
): readonly Round[] => {
  const sampleOf = ({ value, cpu, figures = {} }: Sample): Sample => ({
    value: figures[figure] ?? Number.NaN,
    ...(cpu ? { cpu } : {}),
    figures: { ...figures, [unit]: value },
  });
  return rounds.map(({ subject, baseline }) => ({
    subject: sampleOf(subject),
    ...(baseline ? { baseline: sampleOf(baseline) } : {}),
  }));
};

/** The outcome of a round: the ratio, or the figure if there is no baseline. */
export const outcomeOf = ({ subject, baseline }: Round): number =>
  baseline ? subject.value / baseline.value : subject.value;

/**
 * Measures both sides in turn, after one warm-up of each unless they need none. The side that goes first alternates, so that a
 * machine that slows down or speeds up favors neither.
 */
export async function compare(
  { subject, baseline, needsWarmUp = true }: Comparison,
  rounds: number,
  onMeasured: (side: string, round: number, sample: Sample) => void,
): Promise<readonly Round[]> {
  const measure = async (side: Side, round: number) => {
    const sample = await side.measure();
    onMeasured(side.name, round, sample);
    return sample;
  };
  if (needsWarmUp) {
    if (baseline) await measure(baseline, 0);
    await measure(subject, 0);
  }
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
 * Measures several sides in turn, after one warm-up round unless they need none. Each round starts with another
 * side.
 */
export async function measureInTurn<
  Taken extends Sample,
  Some extends { readonly name: string; measure(): Promise<Taken> },
>(
  sides: readonly Some[],
  rounds: number,
  onMeasured: (side: string, round: number, sample: Taken) => void,
  needsWarmUp = true,
): Promise<ReadonlyMap<Some, readonly Taken[]>> {
  const samples = new Map<Some, Taken[]>(sides.map((side) => [side, []]));
  for (let round = needsWarmUp ? 0 : 1; round <= rounds; round += 1) {
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

/** A limit, and on which side of it the goal is reached. */
export type Goal = { readonly atLeast: number } | { readonly atMost: number };

export type Verdict = 'reached' | 'missed' | 'inconclusive';

/**
 * The 95 % confidence interval of the median, for any distribution: the sign test says how many of the
 * lowest and of the highest rounds to leave out. With fewer than nine rounds it is their whole range.
 */
export function medianInterval(figures: readonly number[]): Pick<Spread, 'low' | 'high'> {
  const count = figures.length;
  let leftOut = 0;
  // The probability that exactly, and that at most, `leftOut` rounds are below the median.
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

/** So many rounds show how far they differ. */
export const MIN_ROUNDS = 3;

/**
 * Compares the rounds with the goal. Inconclusive if the goal lies within the interval of their median, or if they are
 * too few.
 */
export function judge(figures: readonly number[], goal: Goal): Verdict {
  if (figures.length < MIN_ROUNDS) return 'inconclusive';
  const { low, high } = medianInterval(figures);
  const [worst, best, limit] =
    'atLeast' in goal ? [low, high, goal.atLeast] : [-high, -low, -goal.atMost];
  if (worst >= limit) return 'reached';
  return best < limit ? 'missed' : 'inconclusive';
}
