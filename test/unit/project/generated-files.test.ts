import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fillRegions } from '../../../dev/fill-regions.ts';
import { generatedFiles } from '../../../dev/generated-files.ts';

const PROJECT = path.join(import.meta.dirname, '../../..');

/** A change of the code marks the benchmarks that measured it as older, in docs/performance.md for example. */
const generated = generatedFiles();

test.each(Object.keys(generated))('%s is as `npm run docs` writes it: run it again', (file) => {
  expect(readFileSync(path.join(PROJECT, file), 'utf8')).toBe(generated[file]);
});

const regions = { twice: (word = '') => `${word}${word}`, block: () => 'one\ntwo' };

test('a region within a line holds a text of one line', () => {
  const text = 'It is <!-- generated: twice ab -->old<!-- /generated --> now.';
  expect(fillRegions('a.md', text, regions)).toBe(
    'It is <!-- generated: twice ab -->abab<!-- /generated --> now.',
  );
});

test('a region of several lines is set off by empty lines', () => {
  const text = '<!-- generated: block -->\n<!-- /generated -->\n';
  const filled = '<!-- generated: block -->\n\none\ntwo\n\n<!-- /generated -->\n';
  expect(fillRegions('a.md', text, regions)).toBe(filled);
  expect(fillRegions('a.md', filled, regions)).toBe(filled);
});

test.each([
  ['<!-- generated: unknown --><!-- /generated -->', 'no generated region "unknown"'],
  ['<!-- generated: toString --><!-- /generated -->', 'no generated region "toString"'],
  ['<!-- generated: block -->\ntext', 'has no end'],
  ['<!-- generated: block -->\n<!-- generated: block -->\n<!-- /generated -->', 'has no end'],
])('%j is reported, with the name of the file', (text, problem) => {
  expect(() => fillRegions('a.md', text, regions)).toThrow(problem);
  expect(() => fillRegions('a.md', text, regions)).toThrow('a.md');
});
