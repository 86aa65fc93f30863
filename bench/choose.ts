import type { TemporalKind } from '../dev/stack/service.ts';
import type { Benchmark, Form } from './benchmarks/benchmark.ts';
import { BENCHMARKS } from './benchmarks/index.ts';
import { SIDE_BY_SIDE_CODE } from './rivals/read-result.ts';
import { VARIANTS } from './variants/index.ts';
import type { Variants } from './variants/variants.ts';

/** Something that `npm run bench` measures. */
export type Measured = { readonly name: string; readonly code: readonly string[] } & (
  | { readonly kind: 'benchmark'; readonly benchmark: Benchmark }
  | { readonly kind: 'variants'; readonly variants: Variants }
  | { readonly kind: 'side-by-side' }
);

/** In the order in which they are measured. */
export const EVERY_BENCHMARK: readonly Measured[] = [
  ...BENCHMARKS.map((benchmark): Measured => {
    const { name, code } = benchmark;
    return { kind: 'benchmark', name, code, benchmark };
  }),
  ...VARIANTS.map((variants): Measured => {
    const { name, code } = variants;
    return { kind: 'variants', name, code, variants };
  }),
  {
    kind: 'side-by-side',
    name: 'side-by-side',
    code: SIDE_BY_SIDE_CODE,
  },
];

/**
 * Instead of a benchmark whose result is that of another one's rounds, it chooses the other.
 *
 * @param names those that are asked for; if none is, all of them, or the main ones in the short form
 */
export const chooseBenchmarks = (
  names: readonly string[],
  form: Form,
  temporal: TemporalKind,
): readonly Measured[] =>
  EVERY_BENCHMARK.filter((measured) => {
    if (measured.kind === 'benchmark' && measured.benchmark.measuredBy) return false;
    if (names.length > 0) {
      const also = measuredWith(measured.name).map(({ name }) => name);
      return [measured.name, ...also].some((name) => names.includes(name));
    }
    if (measured.kind !== 'benchmark') return form === 'full';
    const { only = temporal, longOnly = false } = measured.benchmark;
    return only === temporal && (form === 'full' || !longOnly);
  });

/** The benchmarks whose results are those of the same rounds. */
export const measuredWith = (name: string): readonly Benchmark[] =>
  BENCHMARKS.filter(({ measuredBy }) => measuredBy?.name === name);
