import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { msToTs } from '@temporalio/common/lib/time.js';
import { MAIN } from '../../test/support/programs.ts';
import { stackAddress, uniqueName } from '../../test/support/stack.ts';
import { createTestSystem, type TestSystem } from '../../test/support/system.ts';
import { addWorkflows } from '../harness/add-workflows.ts';
import type { BenchStack } from '../harness/bench-stack.ts';
import { countStored } from '../harness/counts.ts';
import { fillTopic } from '../harness/fill-topic.ts';
import { memoryOf, usageOf } from '../harness/processes.ts';
import { openTemporalDatabase, type TemporalDatabase } from '../harness/temporal-database.ts';

export interface EnduranceOptions {
  readonly orders: number;
  /** After this time no more orders are sent; those on the topic are still stored. */
  readonly sendForMs: number;
  readonly retentionMs: number;
  /** Completed workflows that Temporal has at the beginning, and does not delete during the run. */
  readonly existing: number;
  readonly inOneProcess: boolean;
  readonly sampleMs: number;
}

export interface EnduranceSample {
  /** Since the first order was stored. */
  readonly seconds: number;
  readonly stored: number;
  /** Since the sample before. */
  readonly perSecond: number;
  /** CPU milliseconds per order since the sample before, by process. */
  readonly cpu: Readonly<Record<string, number>>;
  readonly mebibytes: Readonly<Record<string, number>>;
  /** Workflows that Temporal has: open ones, and completed ones that it has not deleted. */
  readonly workflows: number;
  /** Size on disk of Temporal's databases. */
  readonly temporalMebibytes: number;
}

export interface EnduranceResult extends Pick<
  EnduranceOptions,
  'retentionMs' | 'existing' | 'inOneProcess'
> {
  /** As many as were sent. */
  readonly orders: number;
  readonly samples: readonly EnduranceSample[];
  readonly deadLetters: number;
}

/** Within it, the server spreads the deletion of workflows whose retention has ended. */
export const JITTER_MS = 60_000;
/** Orders that are on the topic before they are needed, so that it is never empty. */
const BACKLOG = 20_000;
const POLL_MS = 200;
const END_POLL_MS = 2000;
/** The backlog lasts for longer than this. */
const MAX_POLL_MS = 30_000;

/**
 * Stores this many orders, or as many as the time allows, each once, and measures meanwhile. Throws if the rows are
 * not as many as the orders.
 */
export async function runForLong(
  stack: BenchStack,
  options: EnduranceOptions,
  onSample: (sample: EnduranceSample) => void,
): Promise<EnduranceResult> {
  const { retentionMs, existing, inOneProcess, sampleMs } = options;
  const database = await openTemporalDatabase();
  await stack.setDynamicConfig({
    'system.namespaceMinRetentionLocal': '1s',
    'history.retentionTimerJitterDuration': `${JITTER_MS / 1000}s`,
  });
  const system = await createTestSystem({ partitions: 4, fastSettings: false });
  let programs: ReadonlyMap<string, ChildProcess> = new Map();
  try {
    if (existing > 0) await addWorkflows(stack, existing);
    const namespaceId = await setRetention(system, retentionMs);
    const source = createSource(system, options);
    await source.fill(0);
    programs = startPrograms(system, inOneProcess);
    const checkPrograms = () => {
      for (const [name, { exitCode, signalCode }] of programs) {
        const status = exitCode ?? signalCode;
        if (status !== null) throw new Error(`the ${name} has ended with ${status}`);
      }
    };
    while ((await countStored(system)) === 0) {
      checkPrograms();
      await delay(POLL_MS);
    }
    const pids = {
      ...Object.fromEntries([...programs].map(([name, { pid = 0 }]) => [name, pid])),
      ...stack.pids,
    };

    const startedAt = performance.now();
    const measure = createMeter(pids, database, namespaceId);
    let stored = await countStored(system);
    await measure(stored, 0);
    const samples: EnduranceSample[] = [];
    while (stored < source.orders()) {
      const next = performance.now() + sampleMs;
      while (performance.now() < next && stored < source.orders()) {
        // Counting a million rows takes a tenth of a second of CPU time.
        const isNearEnd = source.orders() - stored < BACKLOG / 2;
        await delay(Math.min(sampleMs, isNearEnd ? END_POLL_MS : MAX_POLL_MS));
        checkPrograms();
        stored = await countStored(system);
        await source.fill(stored);
      }
      const sample = await measure(stored, (performance.now() - startedAt) / 1000);
      samples.push(sample);
      onSample(sample);
    }
    while ((await system.topic.lag()) > 0) await delay(POLL_MS);
    const orders = source.orders();
    const rows = await countStored(system);
    if (rows !== orders) throw new Error(`${rows} rows of ${orders} orders`);
    const deadLetters = await system.topic.deadLetters();
    return {
      orders,
      retentionMs,
      existing,
      inOneProcess,
      samples,
      deadLetters: deadLetters.length,
    };
  } finally {
    await Promise.all([...programs.values()].map(stopProgram));
    await system.close();
    await database.close();
  }
}

interface Source {
  /** How many orders it sends in total: fewer than were asked for once its time is over. */
  readonly orders: () => number;
  /** Sends as many orders as are missing in the backlog. */
  readonly fill: (stored: number) => Promise<void>;
}

function createSource(
  { topic }: TestSystem,
  { orders, sendForMs }: Pick<EnduranceOptions, 'orders' | 'sendForMs'>,
): Source {
  const run = uniqueName('E');
  const endsAt = performance.now() + sendForMs;
  let sent = 0;
  let total = orders;
  return {
    orders: () => total,
    fill: async (stored) => {
      if (performance.now() >= endsAt) total = sent;
      const wanted = Math.min(total, stored + BACKLOG);
      // In pieces, because a few orders at a time are sent slowly.
      if (wanted - sent < BACKLOG / 4 && wanted < total) return;
      if (wanted === sent) return;
      await fillTopic(topic, wanted - sent, `${run}-${sent}`);
      sent = wanted;
    },
  };
}

/** Starts the programs. What they log is not kept, because a million orders make as many lines. */
function startPrograms(
  { bridgeEnv, workerEnv }: TestSystem,
  inOneProcess: boolean,
): ReadonlyMap<string, ChildProcess> {
  const start = (name: string) =>
    spawn(process.execPath, [MAIN, name], {
      env: { PATH: process.env['PATH'], LOG_FORMAT: 'json', ...workerEnv, ...bridgeEnv },
      stdio: ['ignore', 'ignore', 'inherit'],
    });
  const names = inOneProcess ? ['run'] : ['worker', 'bridge'];
  return new Map(names.map((name) => [name, start(name)]));
}

async function stopProgram(program: ChildProcess): Promise<void> {
  if (program.exitCode !== null || program.signalCode !== null) return;
  program.kill('SIGTERM');
  await once(program, 'exit');
}

/** Measures since its call before. */
function createMeter(
  pids: Readonly<Record<string, number>>,
  database: TemporalDatabase,
  namespaceId: string,
): (stored: number, seconds: number) => Promise<EnduranceSample> {
  let before = { stored: 0, seconds: 0, cpuSeconds: new Map<string, number>() };
  return async (stored, seconds) => {
    const cpuSeconds = new Map(
      Object.entries(pids).map(([name, pid]) => [name, usageOf(pid)?.cpuSeconds ?? 0]),
    );
    const last = before;
    before = { stored, seconds, cpuSeconds };
    const count = stored - last.stored;
    const [workflows, bytes] = await Promise.all([
      database.countWorkflows(namespaceId),
      database.bytes(),
    ]);
    return {
      seconds,
      stored,
      perSecond: count / (seconds - last.seconds),
      cpu: Object.fromEntries(
        [...cpuSeconds].map(([name, total]) => [
          name,
          ((total - (last.cpuSeconds.get(name) ?? 0)) * 1000) / count,
        ]),
      ),
      mebibytes: Object.fromEntries(
        Object.entries(pids).map(([name, pid]) => [name, memoryOf(pid) / 2 ** 20]),
      ),
      workflows,
      temporalMebibytes: bytes / 2 ** 20,
    };
  };
}

/** Sets the retention of the namespace and returns its ID. */
async function setRetention({ client }: TestSystem, retentionMs: number): Promise<string> {
  const { namespaceInfo } = await client.workflowService.updateNamespace({
    namespace: stackAddress('TEMPORAL_NAMESPACE'),
    config: { workflowExecutionRetentionTtl: msToTs(retentionMs) },
  });
  // The server caches namespaces for a second.
  await delay(3000);
  return namespaceInfo?.id ?? '';
}
