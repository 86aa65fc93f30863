import { setTimeout as delay } from 'node:timers/promises';
import { eventually } from '../support/eventually.ts';
import { useFaultWorld } from './harness/use-fault-world.ts';
import { expectNothingLost } from './harness/expect-nothing-lost.ts';
import type { FaultWorld } from './harness/world.ts';

const useWorld = useFaultWorld();
let world: FaultWorld;
beforeEach(() => {
  world = useWorld();
});

test('a bridge that is frozen past its session timeout and resumes commits nothing in place of the others', async () => {
  await world.startWorker();
  const frozen = await world.startBridge({ BRIDGE_MAX_CONCURRENT_STARTS: '4' });
  await world.load.send(300);
  await frozen.logged('bridge_progress', ({ started }) => Number(started) > 5);
  process.kill(frozen.pid, 'SIGSTOP');
  const other = await world.startBridge();
  await world.load.send(50);
  await other.logged('bridge_progress', ({ started }) => Number(started) > 20);
  process.kill(frozen.pid, 'SIGCONT');
  await expectNothingLost(world);
  expect(frozen.exitStatus()).toBeUndefined();
  // The commits of the others are not reported as offsets that somebody has changed.
  expect(frozen.events.map(({ event }) => event)).not.toContain('foreign_offset');
});

test('bridges that constantly join and leave lose nothing', async () => {
  await world.startWorker();
  await world.startBridge();
  const sending = world.load.run(20);
  for (let round = 0; round < 4; round += 1) {
    const joining = await Promise.all([world.startBridge(), world.startBridge()]);
    await joining[0].end(round % 2 === 0 ? 'SIGTERM' : 'SIGKILL');
    await joining[1].end('SIGTERM');
  }
  world.load.stop();
  await sending;
  await expectNothingLost(world);
});

test('partitions that are added under load are read from their first message', async () => {
  await world.startWorker();
  const bridge = await world.startBridge();
  const sending = world.load.run(20);
  await bridge.logged('bridge_progress');
  await world.system.topic.admin.createPartitions({
    topicPartitions: [{ topic: world.system.topic.name, count: 6 }],
  });
  await bridge.logged(
    'partitions_assigned',
    ({ partitions }) => (partitions as number[]).length === 6,
  );
  await delay(500);
  world.load.stop();
  await sending;
  await eventually(async () => {
    expect(await world.system.topic.lag()).toBe(0);
  });
  await expectNothingLost(world);
});
