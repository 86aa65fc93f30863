import type { Comparison, Goal } from '../harness/compare.ts';
import type { BenchStack } from '../harness/bench-stack.ts';

export interface Benchmark {
  readonly name: string;
  /** What the ratio or the figure means. */
  readonly ratio: string;
  /** The unit of both sides, such as `orders/s`. */
  readonly unit: string;
  readonly goal: Goal;
  prepare(stack: BenchStack): Promise<Comparison>;
}
