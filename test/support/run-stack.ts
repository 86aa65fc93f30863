import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { build } from '../../dev/build.ts';
import { secondStack, startSecondTemporal } from '../../dev/stack/second-temporal.ts';
import { NOT_SHOWN, quietly, showSteps } from '../../dev/stack/show-steps.ts';
import { startStack, stopStack } from '../../dev/stack/stack.ts';
import { temporalOnPostgres } from '../../dev/stack/temporal-on-postgres.ts';
import { kafkaLibraries } from './kafka-libraries.ts';

/**
 * Builds dist/ and starts a stack for the run, unless it uses a running one (`npm test -- --stack NAME`).
 * The addresses are in the environment. Returns what ends the run, which deletes the stack.
 */
export async function setUpRun(
  rootDir: string,
  patterns: readonly string[],
): Promise<() => Promise<void>> {
  if (process.env['TEST_STACK']) {
    await Promise.all([build(), downloadKafka()]);
    return () => Promise.resolve();
  }
  const name = `test-${process.pid}`;
  const run = { name, ephemeral: true, ownerPid: process.pid };
  const end = new AbortController();
  let background: Promise<unknown> = Promise.resolve();
  const tearDown = async () => {
    end.abort();
    await background;
    await stopStack(secondStack(name));
    await stopStack(name);
  };
  try {
    const [addresses] = await Promise.all([startStack(run, showSteps), build()]);
    await downloadKafka();
    const runEnv = { TEST_RUN_STACK: name, TEST_RUN_PID: String(process.pid) };
    Object.assign(process.env, addresses, runEnv);
    background = prepareSecondServer(
      rootDir,
      patterns,
      () => startSecondTemporal({ ...run, signal: end.signal }, addresses, quietly),
      end.signal,
    ).catch(() => {
      // The test files that need the server try again, and report the error.
    });
  } catch (error) {
    await tearDown();
    throw error;
  }
  return tearDown;
}

/** Even if the stack's broker is elsewhere: some tests start brokers of their own, or Kafka's tools. */
async function downloadKafka(): Promise<void> {
  await kafkaLibraries().catch(() => {
    // The test files that need it try again, and report the error.
  });
}

/** Starts the Temporal server on Postgres, or builds it, if a test file of the run will. */
async function prepareSecondServer(
  rootDir: string,
  patterns: readonly string[],
  start: () => Promise<unknown>,
  signal: AbortSignal,
): Promise<void> {
  const sources = testFiles(rootDir, patterns).map((file) => readFileSync(file, 'utf8'));
  const useIt = (calls: RegExp) => sources.some((source) => calls.test(source));
  if (useIt(/\buseTemporalOnPostgres\(/)) {
    await start();
  } else if (
    useIt(/\b(startSecuredTemporal|startTemporalAsInstalled)\(/) ||
    (process.env['FAULT_TEMPORAL'] !== 'dev' && useIt(/\b(useFaultWorld|startFaultServers)\(/))
  ) {
    await temporalOnPostgres().prepare({ ...NOT_SHOWN, signal });
  }
}

/** The test files that jest runs for these patterns. */
function testFiles(rootDir: string, patterns: readonly string[]): readonly string[] {
  const expressions = patterns.map((pattern) => new RegExp(pattern, 'i'));
  const folder = path.join(rootDir, 'test');
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((file) => path.join(folder, file))
    .filter((file) => file.endsWith('.test.ts'))
    .filter((file) => expressions.length === 0 || expressions.some((one) => one.test(file)));
}
