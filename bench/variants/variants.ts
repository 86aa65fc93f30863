import type { BenchStack } from '../harness/bench-stack.ts';
import { measureInTurn, type Sample, type Side } from '../harness/compare.ts';
import { sideResult, type SideResult } from '../harness/report.ts';

/** Variants of the same work, measured to choose one. */
export interface Variants {
  readonly name: string;
  /** What is measured and compared. */
  readonly what: string;
  readonly unit: string;
  /** As in a benchmark. */
  readonly code: readonly string[];
  /** As in a benchmark. */
  readonly startsServers?: true;
  prepare(stack: BenchStack): Promise<PreparedVariants>;
}

export interface PreparedVariants {
  readonly sides: readonly Side[];
  /** False where each measurement warms up by itself. */
  readonly needsWarmUp?: boolean;
  readonly close: () => Promise<void>;
}

export async function measureVariants(
  variants: Variants,
  stack: BenchStack,
  rounds: number,
  onMeasured: (side: string, round: number, sample: Sample) => void,
): Promise<readonly SideResult[]> {
  const { sides, needsWarmUp, close } = await variants.prepare(stack);
  try {
    const samples = await measureInTurn(sides, rounds, onMeasured, needsWarmUp);
    return [...samples].map(([side, taken]) => sideResult(side.name, taken));
  } finally {
    await close();
  }
}
