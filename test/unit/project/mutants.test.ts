import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { MUTANTS } from '../../../dev/mutants.ts';

const ROOT = path.join(import.meta.dirname, '../../..');

test.each(MUTANTS.map((mutant) => [mutant.name, mutant] as const))(
  'the mutant %s replaces code that occurs exactly once, and names tests that exist',
  (_name, { changes, tests }) => {
    for (const { file, from } of changes) {
      const source = existsSync(path.join(ROOT, file))
        ? readFileSync(path.join(ROOT, file), 'utf8')
        : '';
      expect({ file, from, occurrences: source.split(from).length - 1 }).toEqual({
        file,
        from,
        occurrences: 1,
      });
    }
    const files = readdirSync(path.join(ROOT, 'test'), { recursive: true, encoding: 'utf8' });
    const [wanted = ''] = tests;
    expect(files.filter((file) => `test/${file}`.includes(wanted))).not.toEqual([]);
  },
);
