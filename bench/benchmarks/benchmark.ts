import type { Comparison, Goal } from '../harness/compare.ts';
import type { BenchStack } from '../harness/bench-stack.ts';

export interface Benchmark {
  readonly name: string;
  /** The ratio, or the figure, in words. */
  readonly ratio: string;
  /** Of both sides' figures, such as `orders/s`. */
  readonly unit: string;
  readonly goal: Goal;
  prepare(stack: BenchStack): Promise<Comparison>;
}
