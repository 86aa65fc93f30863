import { setTimeout as delay } from 'node:timers/promises';
import type { RunningProgram } from '../../support/programs.ts';
import type { Random } from './random.ts';
import { LINK_NAMES, SERVER_NAMES } from './servers.ts';
import { LINK_FAULTS } from './toxiproxy.ts';
import type { FaultWorld } from './world.ts';

/** The running bridges and workers. Faults stop some and start others. */
export interface Programs {
  readonly bridges: RunningProgram[];
  readonly workers: RunningProgram[];
}

/** A fault: `run` breaks something, restores it and resolves. */
export interface Fault {
  readonly name: string;
  /** What the fault breaks. Only one fault may break it at a time. */
  readonly resource: string;
  run(): Promise<void>;
}

/** Longer than the session timeout of the bridges in tests, 6 s. */
const LONG_MS = 9000;

/** Chooses a random fault. The random numbers determine all that it does. */
export function chooseFault(world: FaultWorld, programs: Programs, random: Random): Fault {
  const { servers } = world;
  const durationMs = random.next() < 0.3 ? LONG_MS : 300 + random.below(3000);
  const replace = async (
    running: RunningProgram[],
    signal: NodeJS.Signals,
    start: () => Promise<RunningProgram>,
  ) => {
    const index = random.below(running.length);
    await running[index]?.end(signal);
    running[index] = await startWithRetry(start);
  };
  const faults: readonly [() => Fault, ...(() => Fault)[]] = [
    () => ({
      name: 'SIGKILL to a bridge',
      resource: 'bridges',
      run: () => replace(programs.bridges, 'SIGKILL', () => world.startBridge()),
    }),
    () => ({
      name: 'SIGTERM to a bridge',
      resource: 'bridges',
      run: () => replace(programs.bridges, 'SIGTERM', () => world.startBridge()),
    }),
    () => ({
      name: `SIGSTOP to a bridge for ${durationMs} ms`,
      resource: 'bridges',
      async run() {
        const frozen = programs.bridges[random.below(programs.bridges.length)];
        if (!frozen) return;
        process.kill(frozen.pid, 'SIGSTOP');
        await delay(durationMs);
        process.kill(frozen.pid, 'SIGCONT');
      },
    }),
    () => ({
      name: 'a new bridge replaces another one',
      resource: 'bridges',
      async run() {
        programs.bridges.push(await startWithRetry(() => world.startBridge()));
        await delay(durationMs);
        await programs.bridges.shift()?.end('SIGTERM');
      },
    }),
    () => ({
      name: 'SIGKILL to a worker',
      resource: 'workers',
      run: () => replace(programs.workers, 'SIGKILL', () => world.startWorker()),
    }),
    () => {
      const server = random.pick(SERVER_NAMES);
      return {
        name: `SIGKILL to ${server} for ${durationMs} ms`,
        // Temporal runs on Postgres.
        resource: server === 'kafka' ? 'kafka' : 'temporal and postgres',
        async run() {
          await servers.kill(server);
          await delay(durationMs);
          await servers.start(server);
        },
      };
    },
    () => {
      const link = random.pick(LINK_NAMES);
      const linkFault = random.pick(LINK_FAULTS);
      return {
        name: `${link} ${linkFault} for ${durationMs} ms`,
        resource: link,
        async run() {
          await servers.links[link].degrade(linkFault);
          await delay(durationMs);
          await servers.links[link].restore();
        },
      };
    },
    () => ({
      name: `Postgres read-only for ${durationMs} ms`,
      resource: 'temporal and postgres',
      async run() {
        const { pool } = world.system.database;
        const readOnly = (state: string) =>
          pool.query(
            `ALTER ROLE CURRENT_USER IN DATABASE order_ingest SET default_transaction_read_only = ${state}`,
          );
        const endSessions = () =>
          pool
            .query(
              "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'order-ingest%' AND pid <> pg_backend_pid()",
            )
            .catch(() => undefined);
        await readOnly('on');
        await endSessions();
        await delay(durationMs);
        await pool.query(
          'SET default_transaction_read_only = off; ALTER ROLE CURRENT_USER IN DATABASE order_ingest RESET default_transaction_read_only',
        );
        await endSessions();
      },
    }),
    () => ({
      name: `the orders' table locked for ${durationMs} ms`,
      resource: 'temporal and postgres',
      async run() {
        const client = await world.system.database.pool.connect();
        try {
          await client.query('BEGIN; LOCK TABLE orders IN ACCESS EXCLUSIVE MODE');
          await delay(durationMs);
          await client.query('COMMIT');
        } finally {
          client.release();
        }
      },
    }),
  ];
  return random.pick(faults)();
}

/** Starts a program as a supervisor does: again and again, because it cannot start while a server is down. */
async function startWithRetry(start: () => Promise<RunningProgram>): Promise<RunningProgram> {
  for (;;) {
    try {
      return await start();
    } catch {
      await delay(500);
    }
  }
}
