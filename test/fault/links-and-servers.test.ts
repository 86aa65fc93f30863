import { setTimeout as delay } from 'node:timers/promises';
import { eventually } from '../support/eventually.ts';
import { LINK_NAMES, SERVER_NAMES } from './harness/servers.ts';
import { LINK_FAULTS } from './harness/toxiproxy.ts';
import { useFaultWorld } from './harness/use-fault-world.ts';
import { expectNothingLost } from './harness/expect-nothing-lost.ts';
import { isLongRun, type FaultWorld } from './harness/world.ts';

const useWorld = useFaultWorld();
let world: FaultWorld;
beforeEach(() => {
  world = useWorld();
});

/** Longer than a start may take in these tests, and than the session timeout of their bridges, 6 s. */
const troubleMs = (isKafka: boolean) => (isKafka ? 8000 : 2000);

/** `npm run test:faults` has the time for all of them. */
const TROUBLES_OF_RUN = isLongRun() ? LINK_FAULTS : (['cut', 'drop-responses'] as const);

test.each(LINK_NAMES)(
  `the link %s is ${TROUBLES_OF_RUN.join(', ')}, and good again`,
  async (name) => {
    const [bridge, worker] = await Promise.all([world.startBridge(), world.startWorker()]);
    const link = world.servers.links[name];
    for (const trouble of TROUBLES_OF_RUN) {
      await world.load.send(15);
      await link.degrade(trouble);
      await world.load.send(15);
      await delay(troubleMs(name === 'bridge-kafka'));
      await link.restore();
      await eventually(async () => {
        expect({ trouble, lag: await world.system.topic.lag() }).toEqual({ trouble, lag: 0 });
        expect(await world.system.storedOrderIds()).toHaveLength(world.load.expected.size);
      });
    }
    expect([bridge.exitStatus(), worker.exitStatus()]).toEqual([undefined, undefined]);
    await expectNothingLost(world);
  },
);

test.each(SERVER_NAMES)('%s is killed under load and comes back', async (name) => {
  const [bridge, worker] = await Promise.all([world.startBridge(), world.startWorker()]);
  const sending = world.load.run(20);
  await bridge.logged('bridge_progress');
  await world.servers.kill(name);
  await delay(troubleMs(name === 'kafka'));
  await world.servers.start(name);
  await delay(1000);
  world.load.stop();
  await sending;
  await expectNothingLost(world);
  expect([bridge.exitStatus(), worker.exitStatus()]).toEqual([undefined, undefined]);
});
