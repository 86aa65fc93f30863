import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Result } from '../harness/report.ts';
import type { RivalResult } from '../rivals/side-by-side.ts';
import { BENCHMARKS } from '../benchmarks/index.ts';
import { TEMPORAL_KINDS, type TemporalKind } from '../../dev/stack/service.ts';
import { drawCpu, type CpuBar } from './cpu.ts';
import { drawRatios, type Ratio } from './ratios.ts';
import { drawRivals } from './rivals.ts';

/** Redraws all figures from the files in the folder of results. */
export function drawPictures(results: string, pictures: string): void {
  mkdirSync(pictures, { recursive: true });
  const keep = (name: string, svg: string) => {
    writeFileSync(path.join(pictures, `${name}.svg`), svg);
  };
  const measured = BENCHMARKS.flatMap(({ name }) =>
    TEMPORAL_KINDS.flatMap((temporal) => {
      const result = read(results, name, temporal) as Result | undefined;
      return result ? [{ result, temporal }] : [];
    }),
  );
  keep(
    'ratios',
    drawRatios(measured.map(({ result, temporal }): Ratio => ({ ...result, temporal }))),
  );
  const bars = measured.filter(({ result }) => ['end-to-end', 'shape'].includes(result.name));
  keep(
    'cpu',
    drawCpu(
      bars.flatMap(({ result, temporal }): CpuBar[] =>
        [result.subject, result.baseline].flatMap((side) =>
          side ? [{ name: side.name, benchmark: result.name, temporal, cpu: side.cpu }] : [],
        ),
      ),
    ),
  );
  const sideBySide = read(results, 'side-by-side', 'dev') as
    { rivals: readonly RivalResult[] } | undefined;
  if (sideBySide) keep('side-by-side', drawRivals(sideBySide.rivals));
}

function read(folder: string, name: string, temporal: TemporalKind): unknown {
  const file = path.join(folder, `${name}-${temporal}.json`);
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined;
}
