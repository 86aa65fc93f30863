import {
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { Command } from 'commander';
import { execa } from 'execa';
import { PROJECT_DIR, STACKS_DIR } from './stack/places.ts';
import { MUTANTS, type Mutant } from './mutants.ts';

const TIMEOUT_MS = 15 * 60_000;
const COPIED = [
  'src',
  'test',
  'dev',
  'bench',
  'deploy',
  'docs',
  'docker-compose.yml',
  'eslint.config.mjs',
]
  .concat([
    'jest.config.mjs',
    'package.json',
    'package-lock.json',
    'tsconfig.json',
    'tsconfig.build.json',
    'tsconfig.types.json',
  ])
  .filter((entry) => existsSync(path.join(PROJECT_DIR, entry)));

const { args } = new Command('npm run test:mutations --')
  .description(
    'Applies one mutation at a time to a copy of the code and checks that the tests fail.',
  )
  .argument(
    '[names...]',
    `mutants to run, all if omitted: ${MUTANTS.map(({ name }) => name).join(', ')}`,
  )
  .helpCommand(false)
  .showHelpAfterError()
  .parse();

const chosen = MUTANTS.filter(({ name }) => args.length === 0 || args.includes(name));
if (chosen.length === 0) throw new Error(`There is no mutant ${args.join(', ')}`);

const survivors: string[] = [];
for (const mutant of chosen) {
  const verdict = await test(mutant);
  console.log(`${verdict.padEnd(10)} ${mutant.name}: ${mutant.breaks}`);
  if (verdict !== 'caught') survivors.push(mutant.name);
}
console.log(`\n${chosen.length - survivors.length} caught, ${survivors.length} not caught`);
if (survivors.length > 0) process.exitCode = 1;

/** Runs the tests of a mutant in a copy of the project that contains it. */
async function test(mutant: Mutant): Promise<'caught' | 'survived' | 'no result'> {
  const dir = path.join(STACKS_DIR, 'mutants', mutant.name);
  rmSync(dir, { recursive: true, force: true });
  mkdirSync(dir, { recursive: true });
  for (const entry of COPIED)
    cpSync(path.join(PROJECT_DIR, entry), path.join(dir, entry), { recursive: true });
  symlinkSync(path.join(PROJECT_DIR, 'node_modules'), path.join(dir, 'node_modules'));
  for (const change of mutant.changes) apply(dir, change, mutant.name);
  const { stdout } = await execa('npm', ['test', '--', ...mutant.tests], {
    cwd: dir,
    reject: false,
    timeout: TIMEOUT_MS,
    stderr: 'ignore',
  });
  rmSync(dir, { recursive: true, force: true });
  const counts = /^(\d+) passed, (\d+) failed$/m.exec(stdout);
  // A failed build or a server that does not start proves nothing.
  if (!counts || /Test suite failed to run/.test(stdout)) return 'no result';
  return Number(counts[2]) > 0 ? 'caught' : 'survived';
}

function apply(dir: string, change: Mutant['changes'][number], name: string): void {
  const file = path.join(dir, change.file);
  const text = readFileSync(file, 'utf8');
  if (text.split(change.from).length !== 2) {
    throw new Error(`The mutant "${name}" no longer matches ${change.file}: update dev/mutants.ts`);
  }
  writeFileSync(
    file,
    text.replace(change.from, () => change.to),
  );
}
