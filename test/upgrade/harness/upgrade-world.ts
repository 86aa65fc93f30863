import { expectNothingLost } from '../../fault/harness/expect-nothing-lost.ts';
import type { LoadedWorld } from '../../fault/harness/world.ts';
import { createOwnDatabase } from '../../support/database.ts';
import { setUp } from '../../support/set-up.ts';
import { stackAddress } from '../../support/stack.ts';
import { nondeterminismLogged, startLoadedSystem, type LoadedSystem } from './loaded-system.ts';
import { OPTIONS } from './options.ts';

/** An upgrade of tables or servers under load, in phases. It has a database of its own. */
export interface UpgradeWorld extends LoadedSystem {
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
  const kafka = servers.kafka ?? stackAddress('KAFKA_BROKERS');
  const temporal = servers.temporal ?? stackAddress('TEMPORAL_ADDRESS');
  const [loaded, close] = await setUp(async (onUndo) => {
    const database = await createOwnDatabase(servers.databaseUrl);
    onUndo(() => database.drop());
    return startLoadedSystem({ kafka, temporal, databaseUrl: database.url }, onUndo);
  });
  const { system, load, programs } = loaded;
  const phases: Phase[] = [];
  const endPhase = () => {
    const last = phases.at(-1);
    if (last) last.slowestSendMs = load.slowestSendMs();
  };
  const countStored = async (where: string) => {
    const { rows } = await system.database.pool.query<{ count: number }>(
      `SELECT count(*)::int AS count FROM orders WHERE ${where}`,
    );
    return rows[0]?.count ?? 0;
  };
  loaded.startSending();
  return {
    ...loaded,
    phase(name) {
      endPhase();
      phases.push({ name, at: Date.now(), slowestSendMs: 0 });
    },
    async storedMore(count, where = 'true') {
      const before = await countStored(where);
      await loaded.whileSending(async () => {
        expect(await countStored(where)).toBeGreaterThanOrEqual(before + count);
      }, 120_000);
    },
    async finish() {
      await loaded.sentAtLeast(OPTIONS.orders);
      await loaded.stopSending();
      endPhase();
      await expectNothingLost(loaded);
      expect(nondeterminismLogged(programs)).toEqual([]);
      if (OPTIONS.isLong) console.log(await report(loaded, phases));
    },
    close,
  };
}

interface Phase {
  readonly name: string;
  readonly at: number;
  slowestSendMs: number;
}

/** For each phase: how long orders took from the producer to Postgres, and the longest pause between two stores. */
async function report({ system, load }: LoadedWorld, phases: readonly Phase[]): Promise<string> {
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
    `seed ${OPTIONS.seed}: ${load.sent()} messages, ${load.expected.size} orders, ${rows.length} stored`,
  ].join('\n');
}
