import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { measuredModule } from '../bench/figures/capacity-inputs.ts';
import { regionsFrom } from '../bench/figures/regions.ts';
import { RESULTS_DIR } from '../bench/harness/stored-result.ts';
import { drawPictures } from '../bench/pictures/draw.ts';
import { configurationReference } from '../src/config/configuration-reference.ts';
import { errorReference } from '../src/program/error-codes.ts';
import { chartFiles } from './chart/chart-files.ts';
import { fillRegions } from './fill-regions.ts';
import { PROJECT_DIR } from './stack/places.ts';

const read = (file: string) => readFileSync(path.join(PROJECT_DIR, file), 'utf8');

/** The documents that may have generated regions. */
const documents = () => [
  'README.md',
  ...readdirSync(path.join(PROJECT_DIR, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];

/**
 * The files that `npm run docs` writes, by their path: from the code, and from the results of the benchmarks.
 * They depend on nothing but the files of the project, so that a test can tell which one is out of date.
 */
export function generatedFiles(): Readonly<Record<string, string>> {
  const regions = regionsFrom(RESULTS_DIR);
  return {
    ...Object.fromEntries(
      documents().map((file) => [file, fillRegions(file, read(file), regions)]),
    ),
    'docs/configuration.md': configurationReference(),
    'docs/errors.md': errorReference(),
    'src/operate/capacity/measured.ts': measuredModule(RESULTS_DIR),
    ...drawPictures(RESULTS_DIR, 'docs/images'),
    ...chartFiles(),
  };
}
