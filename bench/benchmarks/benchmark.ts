import type { Comparison } from '../harness/compare.ts';
import type { BenchStack } from '../harness/bench-stack.ts';

export interface Benchmark {
  readonly name: string;
  /** The ratio in words. */
  readonly ratio: string;
  /** What is counted, such as `orders`. */
  readonly unit: string;
  readonly toReach: number;
  prepare(stack: BenchStack): Promise<Comparison>;
}
