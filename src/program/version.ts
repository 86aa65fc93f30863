import { readFileSync } from 'node:fs';

const manifest = JSON.parse(
  readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
) as {
  version: string;
};

/** Of order-ingest, from package.json, which lies above src/ and dist/. */
export const VERSION = manifest.version;
