import { eventually } from '../support/eventually.ts';
import type { RunningProgram } from '../support/programs.ts';
import { useFaultWorld } from './harness/use-fault-world.ts';
import { expectNothingLost } from './harness/expect-nothing-lost.ts';
import type { FaultWorld } from './harness/world.ts';

/** The points at which a bridge can be killed, and what the next one cannot know. */

const useWorld = useFaultWorld();
let world: FaultWorld;
beforeEach(() => {
  world = useWorld();
});

const startedBy = (bridge: RunningProgram, count: number) =>
  bridge.logged('bridge_progress', ({ started }) => Number(started) >= count);

/** Another bridge takes over, a worker stores, and every message has its outcome. */
async function takeOver(): Promise<RunningProgram> {
  const [bridge] = await Promise.all([world.startBridge(), world.startWorker()]);
  await expectNothingLost(world);
  return bridge;
}

const duplicatesSeenBy = (bridge: RunningProgram) =>
  bridge.events.filter(({ event }) => event === 'duplicate_order');

test('killed before it could start a workflow', async () => {
  const bridge = await world.startBridge();
  await world.servers.links['bridge-temporal'].degrade('cut');
  await world.load.send(60);
  await bridge.logged('dependency_unavailable');
  await bridge.end('SIGKILL');
  await world.servers.links['bridge-temporal'].restore();
  await takeOver();
});

test('killed after a start and before its answer: the order is neither started twice nor counted as a duplicate', async () => {
  // Long enough for every start to be sent once: repeated ones fill up the link that drops responses.
  const bridge = await world.startBridge({ BRIDGE_START_TIMEOUT_MS: '20000' });
  await world.servers.links['bridge-temporal'].degrade('drop-responses');
  await world.load.sendOnly('good', 12);
  // Not all of them: without answers from Temporal the connection fails, and later starts wait.
  await eventually(async () => {
    const statuses = await Promise.allSettled(
      [...world.load.expected.keys()].map((id) => world.system.status(id)),
    );
    expect(statuses).toContainEqual({ status: 'fulfilled', value: 'RUNNING' });
  });
  await bridge.end('SIGKILL');
  await world.servers.links['bridge-temporal'].restore();
  expect(duplicatesSeenBy(await takeOver())).toEqual([]);
});

test('killed after the answer and before the commit', async () => {
  const bridge = await world.startBridge({ BRIDGE_COMMIT_INTERVAL_MS: '60000' });
  await world.load.sendOnly('good', 40);
  await startedBy(bridge, 40);
  await bridge.end('SIGKILL');
  expect(await world.system.topic.lag()).toBe(40);
  expect(duplicatesSeenBy(await takeOver())).toEqual([]);
});

test('killed after a dead letter and before the commit', async () => {
  const bridge = await world.startBridge({ BRIDGE_COMMIT_INTERVAL_MS: '60000' });
  await world.load.sendOnly('broken', 20);
  await eventually(() => {
    expect(bridge.events.filter(({ event }) => event === 'message_dead_lettered')).toHaveLength(20);
  });
  await bridge.end('SIGKILL');
  expect(await world.system.topic.lag()).toBe(20);
  await takeOver();
});

test('a bridge that did not receive answers from Temporal for a while recovers by itself', async () => {
  const bridge = await world.startBridge();
  await world.startWorker();
  await world.servers.links['bridge-temporal'].degrade('drop-responses');
  await world.load.sendOnly('good', 30);
  await bridge.logged('dependency_unavailable');
  await world.servers.links['bridge-temporal'].restore();
  await expectNothingLost(world);
  expect(duplicatesSeenBy(bridge)).toEqual([]);
  expect(bridge.exitStatus()).toBeUndefined();
});

test('shut down repeatedly with messages in flight', async () => {
  await world.startWorker();
  await world.load.send(150);
  for (let round = 0; round < 3; round += 1) {
    const bridge = await world.startBridge({ BRIDGE_MAX_CONCURRENT_STARTS: '4' });
    await bridge.logged('bridge_progress');
    expect(await bridge.end('SIGTERM')).toBe(0);
  }
  await world.startBridge();
  await expectNothingLost(world);
});
