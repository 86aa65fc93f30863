import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { createRequire } from 'node:module';
import path from 'node:path';
import type { Addresses } from './stack/addresses.ts';
import { secondTemporalAddress } from './stack/second-temporal.ts';
import { runningStack } from './stack/stack.ts';
import { StackError } from './stack/stack-error.ts';

/** The last argument, because it would take the ones after it as further patterns. */
const LONG_TESTS = ['--testMatch=**/*.{test,long}.ts'];

/**
 * `npm test`: jest, with two options of its own. `--stack NAME` runs the tests against a running stack, and
 * `--long` also runs the files that end in `.long.ts`, which take too long for every run or need servers that have
 * to be built first. All other arguments are jest's.
 */
const { stack, long, args } = parse(process.argv.slice(2));
const addresses = stack === undefined ? {} : await addressesOf(stack);
const jestPackage = createRequire(import.meta.url).resolve('jest/package.json');
const jest = spawn(
  process.execPath,
  [
    path.join(path.dirname(jestPackage), 'bin/jest.js'),
    ...watchingEverything(args),
    ...(long ? LONG_TESTS : []),
  ],
  {
    stdio: 'inherit',
    env: {
      ...process.env,
      ...addresses,
      // Tests are ES modules.
      NODE_OPTIONS: [
        process.env['NODE_OPTIONS'],
        '--experimental-vm-modules --disable-warning=ExperimentalWarning',
      ]
        .filter(Boolean)
        .join(' '),
    },
  },
);
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    // A terminal sends Ctrl-C to jest as well.
    if (signal !== 'SIGINT' || !process.stdin.isTTY) jest.kill(signal);
  });
}
jest.on('exit', (code, signal) => {
  process.exit(code ?? 128 + constants.signals[signal ?? 'SIGKILL']);
});

/** The environment for tests against the running stack. Ends the process with a message if it is not running. */
async function addressesOf(stack: string): Promise<Addresses> {
  try {
    const addresses = await runningStack(stack);
    const second = await secondTemporalAddress(stack);
    return {
      ...addresses,
      ...(second === undefined ? {} : { TEMPORAL_ON_POSTGRES_ADDRESS: second }),
      TEST_STACK: stack,
    };
  } catch (error) {
    if (!(error instanceof StackError)) throw error;
    console.error(error.message);
    process.exit(1);
  }
}

function parse(given: readonly string[]): {
  stack?: string;
  long: boolean;
  args: readonly string[];
} {
  const rest: string[] = [];
  let stack: string | undefined;
  let long = false;
  for (let index = 0; index < given.length; index += 1) {
    const arg = given[index] ?? '';
    const [, inline] = /^--stack=(.+)$/.exec(arg) ?? [];
    if (inline !== undefined) stack = inline;
    else if (arg === '--stack') stack = given[(index += 1)] ?? 'dev';
    else if (arg === '--long') long = true;
    else rest.push(arg);
  }
  return { ...(stack === undefined ? {} : { stack }), long, args: rest };
}

/**
 * With `--watch`, jest runs the tests that import a changed file. The tests that start programs import
 * nothing of src/, so after every change all tests that the arguments select are run.
 */
function watchingEverything(given: readonly string[]): readonly string[] {
  return given.map((arg) => (arg === '--watch' ? '--watchAll' : arg));
}
