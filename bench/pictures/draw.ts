import path from 'node:path';
import { TEMPORAL_KINDS } from '../../dev/stack/service.ts';
import { BENCHMARKS } from '../benchmarks/index.ts';
import { ageOf, readComparison } from '../harness/stored-result.ts';
import { readEndurance } from '../endurance/read-result.ts';
import { drawEndurance } from './endurance.ts';
import { readSideBySide } from '../rivals/read-result.ts';
import { drawCpu, type CpuBar } from './cpu.ts';
import { drawRatios, type Ratio } from './ratios.ts';
import { drawRivals } from './rivals.ts';

/**
 * Draws all pictures of the results.
 *
 * @param results the folder of the results
 * @param pictures the folder of the pictures
 * @returns the pictures by their path
 */
export function drawPictures(results: string, pictures: string): Readonly<Record<string, string>> {
  const measured = BENCHMARKS.flatMap(({ name, code }) =>
    TEMPORAL_KINDS.flatMap((temporal) => {
      const result = readComparison(results, name, temporal);
      return result
        ? [{ result, temporal, isCurrent: ageOf(result, code).kind === 'current' }]
        : [];
    }),
  );
  const bars = measured.filter(({ result }) => ['end-to-end', 'shape'].includes(result.name));
  const sideBySide = readSideBySide(results);
  const endurance = readEndurance(results);
  const drawn = {
    ratios: drawRatios(
      measured.flatMap(({ result: { goal, verdict, ...result }, temporal, isCurrent }): Ratio[] =>
        goal && verdict ? [{ ...result, goal, verdict, temporal, isCurrent }] : [],
      ),
    ),
    cpu: drawCpu(
      bars.flatMap(({ result, temporal }): CpuBar[] =>
        [result.subject, result.baseline].flatMap((side) =>
          side ? [{ name: side.name, benchmark: result.name, temporal, cpu: side.cpu }] : [],
        ),
      ),
    ),
    ...(endurance ? { endurance: drawEndurance(endurance) } : {}),
    ...(sideBySide ? { 'side-by-side': drawRivals(sideBySide.rivals) } : {}),
  };
  return Object.fromEntries(
    Object.entries(drawn).map(([name, svg]) => [path.join(pictures, `${name}.svg`), svg]),
  );
}
