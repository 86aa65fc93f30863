import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { chartFiles } from './chart/chart-files.ts';
import { configurationReference } from '../src/config/configuration-reference.ts';
import { errorReference } from '../src/program/error-codes.ts';
import { PROJECT_DIR } from './stack/places.ts';

/** Writes the documents and the files of the Helm chart that are generated from the code. */
writeFileSync(path.join(PROJECT_DIR, 'docs/configuration.md'), configurationReference());
writeFileSync(path.join(PROJECT_DIR, 'docs/errors.md'), errorReference());
for (const [file, text] of Object.entries(chartFiles())) {
  writeFileSync(path.join(PROJECT_DIR, file), text);
}
