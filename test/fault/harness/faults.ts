import { setTimeout as delay } from 'node:timers/promises';
import type { RunningProgram } from '../../support/programs.ts';
import type { Random } from './random.ts';
import { LINK_NAMES, SERVER_NAMES } from './servers.ts';
import { LINK_FAULTS } from './toxiproxy.ts';
import type { FaultWorld } from './world.ts';

/** The bridges and workers that are to run; the faults end some and start others. */
export interface Programs {
  readonly bridges: RunningProgram[];
  readonly workers: RunningProgram[];
}

/** Something that breaks, and is mended before it resolves. */
export interface Fault {
  readonly name: string;
  /** What two faults cannot break at once. */
  readonly resource: string;
  run(): Promise<void>;
}

/** Past the session timeout of the tests' bridges, 6 s. */
const LONG_MS = 9000;

/** A fault by chance; all that it does follows from the random numbers. */
export function chooseFault(world: FaultWorld, crew: Programs, random: Random): Fault {
  const { servers } = world;
  const lasting = random.next() < 0.3 ? LONG_MS : 300 + random.below(3000);
  const replace = async (
    programs: RunningProgram[],
    signal: NodeJS.Signals,
    start: () => Promise<RunningProgram>,
  ) => {
    const index = random.below(programs.length);
    await programs[index]?.end(signal);
    programs[index] = await startWithRetry(start);
  };
  const faults: readonly [() => Fault, ...(() => Fault)[]] = [
    () => ({
      name: 'kill -9 of a bridge',
      resource: 'bridges',
      run: () => replace(crew.bridges, 'SIGKILL', () => world.startBridge()),
    }),
    () => ({
      name: 'SIGTERM to a bridge',
      resource: 'bridges',
      run: () => replace(crew.bridges, 'SIGTERM', () => world.startBridge()),
    }),
    () => ({
      name: `SIGSTOP of a bridge for ${lasting} ms`,
      resource: 'bridges',
      async run() {
        const frozen = crew.bridges[random.below(crew.bridges.length)];
        if (!frozen) return;
        process.kill(frozen.pid, 'SIGSTOP');
        await delay(lasting);
        process.kill(frozen.pid, 'SIGCONT');
      },
    }),
    () => ({
      name: 'one more bridge, and one less',
      resource: 'bridges',
      async run() {
        crew.bridges.push(await startWithRetry(() => world.startBridge()));
        await delay(lasting);
        await crew.bridges.shift()?.end('SIGTERM');
      },
    }),
    () => ({
      name: 'kill -9 of a worker',
      resource: 'workers',
      run: () => replace(crew.workers, 'SIGKILL', () => world.startWorker()),
    }),
    () => {
      const server = random.pick(SERVER_NAMES);
      return {
        name: `kill -9 of ${server} for ${lasting} ms`,
        // Temporal stands on Postgres.
        resource: server === 'kafka' ? 'kafka' : 'temporal and postgres',
        async run() {
          await servers.kill(server);
          await delay(lasting);
          await servers.start(server);
        },
      };
    },
    () => {
      const link = random.pick(LINK_NAMES);
      const trouble = random.pick(LINK_FAULTS);
      return {
        name: `${link} ${trouble} for ${lasting} ms`,
        resource: link,
        async run() {
          await servers.links[link].degrade(trouble);
          await delay(lasting);
          await servers.links[link].restore();
        },
      };
    },
    () => ({
      name: `Postgres read-only for ${lasting} ms`,
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
              "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'order-ingest' AND pid <> pg_backend_pid()",
            )
            .catch(() => undefined);
        await readOnly('on');
        await endSessions();
        await delay(lasting);
        await pool.query(
          'SET default_transaction_read_only = off; ALTER ROLE CURRENT_USER IN DATABASE order_ingest RESET default_transaction_read_only',
        );
        await endSessions();
      },
    }),
    () => ({
      name: `the orders' table locked for ${lasting} ms`,
      resource: 'temporal and postgres',
      async run() {
        const client = await world.system.database.pool.connect();
        try {
          await client.query('BEGIN; LOCK TABLE orders IN ACCESS EXCLUSIVE MODE');
          await delay(lasting);
          await client.query('COMMIT');
        } finally {
          client.release();
        }
      },
    }),
  ];
  return random.pick(faults)();
}

/** As a supervisor does: a program cannot start while a server is away, and is started until it can. */
async function startWithRetry(start: () => Promise<RunningProgram>): Promise<RunningProgram> {
  for (;;) {
    try {
      return await start();
    } catch {
      await delay(500);
    }
  }
}
