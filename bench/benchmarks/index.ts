import type { Benchmark } from './benchmark.ts';
import { duplicates } from './duplicates.ts';
import { endToEnd } from './end-to-end.ts';
import { overhead } from './overhead.ts';
import { shape } from './shape.ts';
import { start } from './start.ts';
import { store } from './store.ts';
import { translate } from './translate.ts';

export const BENCHMARKS: readonly Benchmark[] = [
  endToEnd,
  shape,
  start,
  duplicates,
  overhead,
  translate,
  store,
];
