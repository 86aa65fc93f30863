import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { ERRORS, errorReference } from '../../../src/program/error-codes.ts';

const ROOT = path.join(import.meta.dirname, '../../..');

test('docs/errors.md is up to date (npm run docs)', () => {
  expect(readFileSync(path.join(ROOT, 'docs/errors.md'), 'utf8')).toBe(errorReference());
});

test('every code is in use', () => {
  const sources = readdirSync(path.join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !file.endsWith('error-codes.ts'))
    .map((file) => readFileSync(path.join(ROOT, 'src', file), 'utf8'))
    .join('\n');
  expect(Object.keys(ERRORS).filter((code) => !sources.includes(`'${code}'`))).toEqual([]);
});
