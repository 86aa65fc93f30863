import { setTimeout as delay } from 'node:timers/promises';
import { chooseFault, type Programs } from './harness/faults.ts';
import { createRandom } from './harness/random.ts';
import { startFaultServers, type FaultServers } from './harness/servers.ts';
import { expectNothingLost } from './harness/expect-nothing-lost.ts';
import { createFaultWorld, temporalKindOfRun } from './harness/world.ts';

/**
 * Faults by chance under load. The same seed breaks the same things in the same order; how the
 * programs get on with it is up to the machine. `npm run test:faults -- --help` says how to choose.
 */
const SEED = Number(process.env['FAULT_SEED'] ?? Math.floor(Math.random() * 1_000_000));
const SECONDS = Number(process.env['FAULT_SECONDS'] ?? 30);
const PER_SECOND = 15;
/** So many faults may overlap. */
const LANES = 2;

let servers: FaultServers | undefined;
beforeAll(async () => {
  servers = await startFaultServers(temporalKindOfRun());
}, 120_000);
afterAll(() => servers?.remove());

test(
  `${SECONDS} s of faults with the seed ${SEED} lose nothing`,
  async () => {
    if (!servers) throw new Error('there are no servers');
    const world = await createFaultWorld(servers, SEED);
    const log: string[] = [`seed ${SEED}`];
    try {
      const crew: Programs = {
        bridges: await Promise.all([world.startBridge(), world.startBridge()]),
        workers: [await world.startWorker()],
      };
      const sending = world.load.run(PER_SECOND);
      const begin = Date.now();
      const isOver = () => Date.now() - begin > SECONDS * 1000;
      const broken = new Set<string>();
      const lane = async (random: ReturnType<typeof createRandom>) => {
        while (!isOver()) {
          await delay(random.below(1500));
          const fault = chooseFault(world, crew, random);
          if (broken.has(fault.resource)) continue;
          broken.add(fault.resource);
          log.push(`${Date.now() - begin} ms: ${fault.name}`);
          await fault.run();
          broken.delete(fault.resource);
        }
      };
      await Promise.all(
        Array.from({ length: LANES }, (_, n) => lane(createRandom(SEED + 1000 * (n + 1)))),
      );
      world.load.stop();
      await sending;
      const ended = [...crew.bridges, ...crew.workers].filter((program) => program.exitStatus());
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
  // A busy machine may need long for what is left; the verdict fails when it gets no less.
  SECONDS * 1000 + 1_800_000,
);
