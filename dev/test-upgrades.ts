import { existsSync, mkdirSync, rmSync, statSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { execa } from 'execa';
import { PROJECT_DIR, STACKS_DIR } from './stack/places.ts';
import { StackError } from './stack/stack-error.ts';

const wholeNumber = (text: string) => {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError('expected a whole number.');
  return text;
};

interface Options {
  readonly seed?: string;
  readonly orders: string;
  readonly rate: string;
  readonly from?: string;
  readonly only: string;
  readonly logs?: string;
}

const options = new Command('npm run test:upgrades --')
  .description(
    'Upgrades workers and bridges on real servers while orders flow, then accounts for every message and checks that no workflow has failed or become non-deterministic.',
  )
  .option('--seed <number>', 'seed of the messages; a new one for each run if omitted', wholeNumber)
  .option(
    '--orders <number>',
    'how many messages to send in each test, at least',
    wholeNumber,
    '2000',
  )
  .option('--rate <number>', 'messages per second', wholeNumber, '40')
  .option(
    '--from <build>',
    'upgrade from this build: a dist folder, or a git ref, which is built first (default: the current build)',
  )
  .option('--only <name>', 'run only the files of test/upgrade whose name contains this', '')
  .option('--logs <folder>', 'keep the logs of all bridges and workers in this folder')
  .helpCommand(false)
  .showHelpAfterError()
  .parse()
  .opts<Options>();

const { seed, orders, rate, from, only, logs } = options;
if (logs !== undefined) mkdirSync(logs, { recursive: true });
const build = from === undefined ? undefined : await openBuild(from);
try {
  const { exitCode } = await execa('npm', ['test', '--', `test/upgrade/.*${only}`], {
    stdio: 'inherit',
    reject: false,
    env: {
      UPGRADE_ORDERS: orders,
      UPGRADE_RATE: rate,
      ...(seed === undefined ? {} : { UPGRADE_SEED: seed }),
      ...(build === undefined ? {} : { UPGRADE_FROM_MAIN: build.main }),
      ...(logs === undefined ? {} : { PROGRAM_LOGS: path.resolve(logs) }),
    },
  });
  process.exitCode = exitCode ?? 1;
} finally {
  await build?.remove();
}

interface FromBuild {
  readonly main: string;
  remove(): Promise<void>;
}

async function openBuild(source: string): Promise<FromBuild> {
  if (existsSync(source) && statSync(source).isDirectory()) {
    const main = path.resolve(source, 'cli/main.js');
    if (!existsSync(main))
      throw new StackError(`${source} is not a dist folder: it has no cli/main.js`);
    return { main, remove: () => Promise.resolve() };
  }
  return buildOfRef(source);
}

/** Builds a commit in a worktree of its own, with the packages of this checkout. */
async function buildOfRef(ref: string): Promise<FromBuild> {
  const dir = path.join(STACKS_DIR, 'builds', `from-${process.pid}`);
  const git = (...args: string[]) => execa('git', args, { cwd: PROJECT_DIR });
  const added = await git('worktree', 'add', '--detach', dir, ref).catch((error: unknown) => error);
  if (added instanceof Error) {
    throw new StackError(
      `--from ${ref}: neither a dist folder nor a commit of this repository:\n${added.message}`,
    );
  }
  const remove = async () => {
    rmSync(path.join(dir, 'node_modules'), { force: true });
    await git('worktree', 'remove', '--force', dir);
  };
  try {
    symlinkSync(path.join(PROJECT_DIR, 'node_modules'), path.join(dir, 'node_modules'));
    console.log(`building ${ref}`);
    await execa('node', ['--import', 'tsx', 'dev/build.ts'], { cwd: dir, stdio: 'inherit' });
    return { main: path.join(dir, 'dist/cli/main.js'), remove };
  } catch (error) {
    await remove();
    throw error;
  }
}
