import { createOwnDatabase } from '../../support/database.ts';
import { eventually } from '../../support/eventually.ts';
import type { ProgramEnv, RunningProgram } from '../../support/programs.ts';
import { stackAddress } from '../../support/stack.ts';
import { createTestSystem } from '../../support/system.ts';
import { sampleCommits } from '../../fault/harness/committed-offsets.ts';
import { expectNothingLost } from '../../fault/harness/expect-nothing-lost.ts';
import { createLoad } from '../../fault/harness/load.ts';
import { createRandom } from '../../fault/harness/random.ts';
import { PARTITIONS, type LoadedWorld } from '../../fault/harness/world.ts';
import { upgradeOptions } from './options.ts';

/** The topic, database, load and programs of one upgrade. */
export interface UpgradeWorld extends LoadedWorld {
  startBridge(env?: ProgramEnv, main?: string): Promise<RunningProgram>;
  startWorker(env?: ProgramEnv, main?: string): Promise<RunningProgram>;
  /** Begins a phase of the upgrade, for the report. */
  phase(name: string): void;
  /** Waits until this many more orders have been stored. */
  storedMore(count: number, where?: string): Promise<void>;
  /** Sends until the run has had enough messages, accounts for all of them, and prints the report. */
  finish(): Promise<void>;
  close(): Promise<void>;
}

/** Starts the load. The servers are those of the stack unless there are others. */
export async function createUpgradeWorld(
  servers: {
    readonly kafka?: string;
    readonly temporal?: string;
    readonly databaseUrl?: string;
  } = {},
): Promise<UpgradeWorld> {
  const { seed, orders, rate, isLong } = upgradeOptions();
  const kafka = servers.kafka ?? stackAddress('KAFKA_BROKERS');
  const temporal = servers.temporal ?? stackAddress('TEMPORAL_ADDRESS');
  const database = await createOwnDatabase(servers.databaseUrl);
  const system = await createTestSystem({
    partitions: PARTITIONS,
    brokers: kafka,
    temporalAddress: temporal,
    databaseUrl: database.url,
  });
  const load = createLoad(kafka, system.topic.name, PARTITIONS, createRandom(seed));
  const sampler = sampleCommits(kafka, system.topic.name, system.topic.groupId);
  const sending = load.run(rate);
  // A failure is thrown where the load ends.
  sending.catch(() => undefined);
  const programs: RunningProgram[] = [];
  const phases: Phase[] = [];
  const endPhase = () => {
    const last = phases.at(-1);
    if (last) last.slowestSendMs = load.slowestSendMs();
  };
  const keep = async (starting: Promise<RunningProgram>) => {
    const program = await starting;
    programs.push(program);
    return program;
  };
  const countStored = async (where: string) => {
    const { rows } = await system.database.pool.query<{ count: number }>(
      `SELECT count(*)::int AS count FROM orders WHERE ${where}`,
    );
    return rows[0]?.count ?? 0;
  };
  const world = { servers: { kafka }, system, load, sampler };
  return {
    ...world,
    startBridge: (env = {}, main) => keep(system.startBridge({ ...BRIDGE_ENV, ...env }, main)),
    startWorker: (env = {}, main) => keep(system.startWorker(env, main)),
    phase(name) {
      endPhase();
      phases.push({ name, at: Date.now(), slowestSendMs: 0 });
    },
    async storedMore(count, where = 'true') {
      const before = await countStored(where);
      await eventually(async () => {
        expect(await countStored(where)).toBeGreaterThanOrEqual(before + count);
      }, 120_000);
    },
    async finish() {
      await eventually(() => {
        expect(load.sent()).toBeGreaterThanOrEqual(orders);
      }, orders * 1000);
      load.stop();
      await sending;
      endPhase();
      await expectNothingLost(world, 120_000);
      // Temporal repeats a workflow task that failed this way, so that nothing else would show it.
      const events = programs.flatMap((program) => program.events);
      expect(events.filter((event) => /nondetermin/i.test(JSON.stringify(event)))).toEqual([]);
      if (isLong) console.log(await report(world, phases, seed));
    },
    async close() {
      load.stop();
      await sampler.stop();
      await load.close();
      await system.close();
      await database.drop();
    },
  };
}

const BRIDGE_ENV = { BRIDGE_BREAKER_MAX_PERCENT: '100', KAFKA_METADATA_MAX_AGE_MS: '2000' };

interface Phase {
  readonly name: string;
  readonly at: number;
  slowestSendMs: number;
}

/** For each phase: how long orders took from the producer to Postgres, and the longest pause between two stores. */
async function report(
  { system, load }: LoadedWorld,
  phases: readonly Phase[],
  seed: number,
): Promise<string> {
  const { rows } = await system.database.pool.query<{ id: string; at: number }>(
    `SELECT order_id AS id, extract(epoch FROM ingested_at)::float8 * 1000 AS at FROM orders ORDER BY ingested_at`,
  );
  const lines = phases.map(({ name, at: from, slowestSendMs }, index) => {
    const to = phases[index + 1]?.at ?? Date.now();
    const isWithin = (at: number) => at >= from && at < to;
    const stored = rows.map(({ at }) => at).filter(isWithin);
    const pauses = stored.map((at, n) => at - (stored[n - 1] ?? from));
    const took = rows
      .map(({ id, at }) => ({ sentAt: load.sentAt.get(id) ?? 0, at }))
      .filter(({ sentAt }) => isWithin(sentAt))
      .map(({ sentAt, at }) => at - sentAt)
      .sort((a, b) => a - b);
    const percentile = (share: number) =>
      Math.round(took[Math.min(took.length - 1, Math.floor(took.length * share))] ?? 0);
    return [
      `${name}: ${Math.round((to - from) / 1000)} s, ${stored.length} stored`,
      `longest pause ${Math.round(Math.max(0, ...pauses))} ms`,
      `from producer to Postgres p50 ${percentile(0.5)}, p99 ${percentile(0.99)}, max ${percentile(1)} ms`,
      `slowest acknowledgement of the broker ${slowestSendMs} ms`,
    ].join('; ');
  });
  return [
    ...lines,
    `seed ${seed}: ${load.sent()} messages, ${load.expected.size} orders, ${rows.length} stored`,
  ].join('\n');
}
