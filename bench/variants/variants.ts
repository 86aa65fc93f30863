import type { BenchStack } from '../harness/bench-stack.ts';
import { measureInTurn, type Side } from '../harness/compare.ts';
import { describeSide, format, sideResult, type SideResult } from '../harness/report.ts';

/** Variants of the same work, measured to choose one. */
export interface Variants {
  readonly name: string;
  /** What is measured and compared. */
  readonly what: string;
  readonly unit: string;
  prepare(stack: BenchStack): Promise<PreparedVariants>;
}

export interface PreparedVariants {
  readonly sides: readonly Side[];
  readonly close: () => Promise<void>;
}

export async function measureVariants(
  variants: Variants,
  stack: BenchStack,
  rounds: number,
): Promise<readonly SideResult[]> {
  const { name, unit } = variants;
  const { sides, close } = await variants.prepare(stack);
  try {
    const samples = await measureInTurn(sides, rounds, (side, round, { value }) => {
      console.error(`${name}  round ${round}  ${side}: ${format(value)} ${unit}`);
    });
    return [...samples].map(([side, taken]) => sideResult(side.name, taken));
  } finally {
    await close();
  }
}

export const describeVariants = (
  { name, what, unit }: Variants,
  sides: readonly SideResult[],
): string => [`${name}: ${what}`, ...sides.map((side) => describeSide(side, unit))].join('\n');
