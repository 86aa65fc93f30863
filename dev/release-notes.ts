/**
 * Prints the notes of a release, which are its section of CHANGELOG.md:
 * `node dev/release-notes.ts v1.2.3`. Fails if the tag is not the version in package.json, or if the
 * changelog has no section for it. Imports only Node's own modules, because it runs before `npm ci`.
 */
import { readFileSync } from 'node:fs';

/** Throws an Error that says what does not match. */
export function releaseNotes(tag: string, version: string, changelog: string): string {
  if (tag !== `v${version}`) {
    throw new Error(`the tag is ${tag}, but package.json has the version ${version}`);
  }
  const section = changelog
    .split(/^(?=## )/m)
    .find((text) => text.startsWith(`## [${version}] - `));
  const notes = section?.slice(section.indexOf('\n')).trim();
  if (!notes)
    throw new Error(`CHANGELOG.md has no section "## [${version}] - <date>" with entries`);
  return notes;
}

if (process.argv[1] === import.meta.filename) {
  const read = (file: string) => readFileSync(new URL(`../${file}`, import.meta.url), 'utf8');
  const { version } = JSON.parse(read('package.json')) as { readonly version: string };
  console.log(releaseNotes(process.argv[2] ?? '', version, read('CHANGELOG.md')));
}
