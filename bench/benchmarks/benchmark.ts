import type { TemporalKind } from '../../dev/stack/service.ts';
import type { Comparison, Goal } from '../harness/compare.ts';
import type { BenchStack } from '../harness/bench-stack.ts';

/**
 * The short form of a benchmark has fewer orders. It shows in a minute what is far off, but not a few percent; its
 * results are not those of the documents.
 */
export type Form = 'full' | 'short';

export interface Benchmark {
  readonly name: string;
  /** What the ratio or the figure means. */
  readonly ratio: string;
  /** The unit of both sides, such as `orders/s`. */
  readonly unit: string;
  /** Absent where a figure is only an input of the capacity calculator. */
  readonly goal?: Goal;
  /** The modules that it measures, its own first: see `measuredCode`. */
  readonly code: readonly string[];
  /** The only Temporal server on which it means something. */
  readonly only?: TemporalKind;
  /** Each measurement starts a Temporal server of its own, so that of the run is not needed. */
  readonly startsServers?: true;
  /** It counts the calls of the Temporal server on Postgres, which then reports metrics throughout the run. */
  readonly needsMetrics?: true;
  /** The benchmark that is measured instead of this one, and the figure of its samples that this one compares. */
  readonly measuredBy?: { readonly name: string; readonly figure: string };
  /** Not among those that are measured in their short form by default. */
  readonly longOnly?: true;
  prepare(stack: BenchStack, form: Form): Promise<Comparison>;
}
