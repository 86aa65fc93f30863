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

/** Longer than the timeout of a start in these tests, and for Kafka than the session timeout, 6 s. */
const faultMs = (isKafka: boolean) => (isKafka ? 8000 : 2000);

/** Only `npm run test:faults` has the time for all of them. */
const LINK_FAULTS_OF_RUN = isLongRun() ? LINK_FAULTS : (['cut', 'drop-responses'] as const);

test.each(LINK_NAMES)(
  `nothing is lost when the link %s has the faults ${LINK_FAULTS_OF_RUN.join(', ')}`,
  async (name) => {
    const [bridge, worker] = await Promise.all([world.startBridge(), world.startWorker()]);
    const link = world.servers.links[name];
    for (const fault of LINK_FAULTS_OF_RUN) {
      await world.load.send(15);
      await link.degrade(fault);
      await world.load.send(15);
      await delay(faultMs(name === 'bridge-kafka'));
      await link.restore();
      await eventually(async () => {
        expect({ fault, lag: await world.system.topic.lag() }).toEqual({ fault, lag: 0 });
        expect(await world.system.storedOrderIds()).toHaveLength(world.load.expected.size);
      });
    }
    expect([bridge.exitStatus(), worker.exitStatus()]).toEqual([undefined, undefined]);
    await expectNothingLost(world);
  },
);

test.each(SERVER_NAMES)(
  'nothing is lost when %s is killed under load and restarted',
  async (name) => {
    const [bridge, worker] = await Promise.all([world.startBridge(), world.startWorker()]);
    const sending = world.load.run(20);
    await bridge.logged('bridge_progress');
    await world.servers.kill(name);
    await delay(faultMs(name === 'kafka'));
    await world.servers.start(name);
    await delay(1000);
    world.load.stop();
    await sending;
    await expectNothingLost(world);
    expect([bridge.exitStatus(), worker.exitStatus()]).toEqual([undefined, undefined]);
  },
);
