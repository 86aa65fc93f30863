import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { generatedFiles } from './generated-files.ts';
import { PROJECT_DIR } from './stack/places.ts';

for (const [file, text] of Object.entries(generatedFiles())) {
  writeFileSync(path.join(PROJECT_DIR, file), text);
}
