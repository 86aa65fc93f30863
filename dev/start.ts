import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Command } from 'commander';
import { freePort } from './stack/free-port.ts';
import type { OutcomeSnapshot } from '../src/bridge/outcome-counts.ts';
import { describeError } from '../src/program/operator-error.ts';
import { build } from './build.ts';
import {
  isDrained,
  NOTHING_YET,
  progressLines,
  progressOf,
  summary,
  unreadLines,
} from './start/progress.ts';
import { createLiveLines } from './start/live-lines.ts';
import { runCommand, startProgram, type Program, type ProgramEnv } from './start/programs.ts';
import { openTotals, type TotalsReader } from './start/totals.ts';
import { stackPlaces } from './stack/places.ts';
import { showSteps } from './stack/show-steps.ts';
import { stopBothStacks } from './stack/second-temporal.ts';
import { claimStack, rememberProgram, startStack } from './stack/stack.ts';
import { StackError } from './stack/stack-error.ts';

/** `npm start`: runs the whole system on this machine, as separate processes, until Ctrl-C. */
const REFRESH_MS = 500;
/** The bridge reports its counts at intervals, so one reading may be out of date. */
const STEADY_READINGS = 3;

const { untilDrained, name, schemaRegistry } = new Command('npm start --')
  .description('Runs Kafka, Temporal, Postgres, a bridge and a worker, and shows their progress.')
  .option('--until-drained', 'stop when every message has an outcome, and print a summary')
  .option('--schema-registry', 'also start a schema registry (Apicurio, 109 MB)')
  .option('--name <name>', 'name of the local stack; each stack has its own data', 'dev')
  .parse()
  .opts<{ untilDrained?: true; name: string; schemaRegistry?: true }>();
const LOGS = stackPlaces(name).logs;

const live = createLiveLines(process.stdout);
const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    interrupted.abort();
  });
}

try {
  await claimStack(name);
  try {
    await run();
  } finally {
    console.log('Stopping …');
    await stopBothStacks(name);
  }
} catch (error) {
  if (interrupted.signal.aborted) process.exit(130);
  if (!(error instanceof StackError)) throw error;
  console.error(`\n${error.message}`);
  process.exitCode = 1;
}

async function run(): Promise<void> {
  const [addresses] = await Promise.all([
    startStack({ name, schemaRegistry, signal: interrupted.signal }, showSteps),
    build(),
  ]);
  if (interrupted.signal.aborted) return;
  const [bridgePort, workerPort] = [
    await freePort({ preferred: [9464] }),
    await freePort({ preferred: [9465] }),
  ];
  const env: ProgramEnv = {
    ...addresses,
    BRIDGE_PROGRESS_INTERVAL_MS: '250',
    BRIDGE_HTTP_PORT: process.env['BRIDGE_HTTP_PORT'] ?? String(bridgePort),
    WORKER_HTTP_PORT: process.env['WORKER_HTTP_PORT'] ?? String(workerPort),
  };
  console.log(await runCommand(['setup'], env));
  const topics = (process.env['KAFKA_TOPIC'] ?? 'orders').split(',').map((topic) => topic.trim());
  const totals = await openTotals({
    brokers: addresses['KAFKA_BROKERS'] ?? '',
    temporalAddress: addresses['TEMPORAL_ADDRESS'] ?? '',
    namespace: addresses['TEMPORAL_NAMESPACE'] ?? 'default',
    databaseUrl: addresses['DATABASE_URL'] ?? '',
    topics,
    groupId: process.env['KAFKA_GROUP_ID'] ?? 'storage_loader',
    taskQueue: process.env['TEMPORAL_TASK_QUEUE'] ?? 'order-ingest',
  });
  const programs: Program[] = [];
  try {
    let progress = NOTHING_YET;
    programs.push(
      startProgram('bridge', env, path.join(LOGS, 'bridge.log'), (event) => {
        progress = progressOf(event) ?? progress;
        if (event['event'] === 'circuit_breaker_open') live.note(`bridge: ${String(event['msg'])}`);
      }),
      startProgram('worker', env, path.join(LOGS, 'worker.log'), () => undefined),
    );
    for (const { pid } of programs) await rememberProgram(name, pid);
    if (await totals.areTopicsEmpty()) {
      const [topic = ''] = topics;
      const produce = ['produce', '--topic', topic, '--sample', '20', '--broken', '7'];
      console.log(await runCommand(produce, env));
    }
    console.log(welcome(env));
    await Promise.race([watch(totals, () => progress), ...programs.map(({ ended }) => ended)]);
  } finally {
    await Promise.all(programs.map((program) => program.stop()));
    await totals.close();
  }
}

/** Shows the counts until Ctrl-C or, with --until-drained, until every message has an outcome. */
async function watch(totals: TotalsReader, progress: () => OutcomeSnapshot): Promise<void> {
  let steady = 0;
  let lastRun = progress();
  while (!interrupted.signal.aborted) {
    const run = progress();
    // A user may stop a server to see what happens. That must not end this program.
    const now = await totals.read().catch(describeError);
    const isRead = typeof now !== 'string';
    live.show(isRead ? progressLines(run, now) : unreadLines(run, now));
    steady = isRead && run === lastRun && isDrained(run, now) ? steady + 1 : 0;
    lastRun = run;
    if (untilDrained && isRead && steady >= STEADY_READINGS) {
      const failures = await totals.failureTypes();
      console.log(`\nEvery message is accounted for.\n${summary(run, now, failures)}`);
      return;
    }
    await delay(REFRESH_MS, undefined, { signal: interrupted.signal }).catch(() => undefined);
  }
}

function welcome(env: ProgramEnv): string {
  const failed = `namespaces/${env['TEMPORAL_NAMESPACE']}/workflows?query=${encodeURIComponent('ExecutionStatus="Failed"')}`;
  const ui = env['TEMPORAL_UI'];
  return `
  Temporal UI        ${ui ?? 'unknown; set TEMPORAL_UI'}
  failed orders      ${ui ? `${ui}/${failed}` : 'ExecutionStatus="Failed"'}
  Kafka              ${env['KAFKA_BROKERS']}
  Postgres           ${env['DATABASE_URL']}
  Bridge             http://127.0.0.1:${env['BRIDGE_HTTP_PORT']}/readyz and /metrics
  Worker             http://127.0.0.1:${env['WORKER_HTTP_PORT']}/readyz and /metrics
  logs               ${path.relative(process.cwd(), LOGS)}/{bridge,worker,kafka,temporal,postgres}.log

  Send your own orders, one JSON object per line:
    KAFKA_BROKERS=${env['KAFKA_BROKERS']} npx order-ingest produce my-orders.ndjson
${untilDrained ? '' : '\n  Ctrl-C stops everything. The data is kept.\n'}`;
}
