import { setTimeout as delay } from 'node:timers/promises';
import { chooseFault, type Programs } from './harness/faults.ts';
import { createRandom } from './harness/random.ts';
import { startFaultServers, type FaultServers } from './harness/servers.ts';
import { expectNothingLost } from './harness/expect-nothing-lost.ts';
import { SERVER_START_TIMEOUT_MS } from '../support/temporal-on-postgres.ts';
import { createFaultWorld, temporalKindOfRun } from './harness/world.ts';

/**
 * Random faults under load. The same seed gives the same faults in the same order, but the timing of the
 * programs depends on the machine. `npm run test:faults -- --help` explains how to set it.
 */
const SEED = Number(process.env['FAULT_SEED'] ?? Math.floor(Math.random() * 1_000_000));
const SECONDS = Number(process.env['FAULT_SECONDS'] ?? 30);
const PER_SECOND = 15;
/** How many faults may overlap. */
const CONCURRENT_FAULTS = 2;

let servers: FaultServers | undefined;
beforeAll(async () => {
  servers = await startFaultServers(temporalKindOfRun());
}, SERVER_START_TIMEOUT_MS);
afterAll(() => servers?.remove());

test(
  `nothing is lost in ${SECONDS} s of random faults with seed ${SEED}`,
  async () => {
    if (!servers) throw new Error('the servers have not started');
    const world = await createFaultWorld(servers, SEED);
    const log: string[] = [`seed ${SEED}`];
    try {
      const programs: Programs = {
        bridges: await Promise.all([world.startBridge(), world.startBridge()]),
        workers: [await world.startWorker()],
      };
      const sending = world.load.run(PER_SECOND);
      const begin = Date.now();
      const isOver = () => Date.now() - begin > SECONDS * 1000;
      const broken = new Set<string>();
      const breakThings = async (random: ReturnType<typeof createRandom>) => {
        while (!isOver()) {
          await delay(random.below(1500));
          const fault = chooseFault(world, programs, random);
          if (broken.has(fault.resource)) continue;
          broken.add(fault.resource);
          log.push(`${Date.now() - begin} ms: ${fault.name}`);
          await fault.run();
          broken.delete(fault.resource);
        }
      };
      await Promise.all(
        Array.from({ length: CONCURRENT_FAULTS }, (_, n) =>
          breakThings(createRandom(SEED + 1000 * (n + 1))),
        ),
      );
      world.load.stop();
      await sending;
      const ended = [...programs.bridges, ...programs.workers].filter((program) =>
        program.exitStatus(),
      );
      expect(ended.map((program) => program.recentOutput())).toEqual([]);
      await expectNothingLost(world);
    } catch (error) {
      throw new Error(
        `${log.join('\n')}\n${error instanceof Error ? (error.stack ?? '') : String(error)}`,
        {
          cause: error,
        },
      );
    } finally {
      await world.close();
    }
  },
  // A busy machine may take long. `expectNothingLost` fails earlier if there is no progress.
  SECONDS * 1000 + 1_800_000,
);
