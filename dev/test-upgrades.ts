import { existsSync, mkdirSync, readdirSync, rmSync, statSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { Argument, Command, InvalidArgumentError } from 'commander';
import { execa } from 'execa';
import { PROJECT_DIR, STACKS_DIR } from './stack/places.ts';
import { runInterruptibly } from './stack/script.ts';
import { StackError } from './stack/stack-error.ts';

/**
 * A scenario is all files of test/upgrade/ whose names begin with its name. `npm test` runs the files that
 * end in `.test.ts`, with few orders.
 */
const scenarios = [
  ...new Set(
    readdirSync(path.join(PROJECT_DIR, 'test/upgrade'))
      .filter((file) => /\.(?:test|long)\.ts$/.test(file))
      .map((file) => file.split(/[.-]/)[0] ?? file),
  ),
].sort();

const wholeNumber = (text: string) => {
  if (!/^\d{1,6}$/.test(text)) throw new InvalidArgumentError('expected a whole number.');
  return text;
};

const command = new Command('npm run test:upgrades --')
  .description(
    'Upgrades programs, tables and servers under load, then accounts for every message. Runs all scenarios unless some are named.',
  )
  .addArgument(new Argument('[scenario...]', 'what to upgrade').choices(scenarios))
  .option('--seed <number>', 'seed of the orders; a new one for each run if omitted', wholeNumber)
  .option('--orders <number>', 'how many messages to send at least', wholeNumber, '1000')
  .option('--rate <number>', 'how many messages to send per second', wholeNumber, '30')
  .option(
    '--from <build>',
    'upgrade workers and bridges from this build: a dist folder, or a git ref, which is built first (default: the current build)',
  )
  .option('--logs <folder>', 'keep the logs of all bridges and workers in this folder')
  .helpCommand(false)
  .showHelpAfterError()
  .parse();
const { seed, orders, rate, from, logs } = command.opts<{
  seed?: string;
  orders: string;
  rate: string;
  from?: string;
  logs?: string;
}>();
const names = command.args.length > 0 ? command.args : scenarios;

if (logs !== undefined) mkdirSync(logs, { recursive: true });

await runInterruptibly(async (ending) => {
  const build = from === undefined ? undefined : await openBuild(from, ending);
  try {
    const { exitCode } = await execa(
      'npm',
      [...['test', '--', `test/upgrade/(${names.join('|')})[.-]`, '--runInBand', '--long']],
      {
        stdio: 'inherit',
        reject: false,
        cancelSignal: ending,
        // The tests stop their servers.
        forceKillAfterDelay: false,
        env: {
          UPGRADE_ORDERS: orders,
          UPGRADE_RATE: rate,
          ...(seed === undefined ? {} : { UPGRADE_SEED: seed }),
          ...(build === undefined ? {} : { UPGRADE_FROM_MAIN: build.main }),
          ...(logs === undefined ? {} : { PROGRAM_LOGS: path.resolve(logs) }),
        },
      },
    );
    process.exitCode = exitCode ?? 1;
  } finally {
    await build?.remove();
  }
});

interface FromBuild {
  readonly main: string;
  remove(): Promise<void>;
}

async function openBuild(source: string, ending: AbortSignal): Promise<FromBuild> {
  if (existsSync(source) && statSync(source).isDirectory()) {
    const main = path.resolve(source, 'cli/main.js');
    if (!existsSync(main))
      throw new StackError(`${source} is not a dist folder: it has no cli/main.js`);
    return { main, remove: () => Promise.resolve() };
  }
  return buildOfRef(source, ending);
}

/** Builds a commit in a worktree of its own, with the packages of this checkout. */
async function buildOfRef(ref: string, ending: AbortSignal): Promise<FromBuild> {
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
    const { failed } = await execa('node', ['--import', 'tsx', 'dev/build.ts'], {
      cwd: dir,
      stdio: 'inherit',
      reject: false,
      cancelSignal: ending,
    });
    ending.throwIfAborted();
    if (failed) throw new StackError(`--from ${ref}: it could not be built; see the output above`);
    return { main: path.join(dir, 'dist/cli/main.js'), remove };
  } catch (error) {
    await remove();
    throw error;
  }
}
