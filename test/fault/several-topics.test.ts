import { eventually } from '../support/eventually.ts';
import { createTestTopic } from '../support/kafka.ts';
import type { ProgramEnv } from '../support/programs.ts';
import { expectNothingLost } from './harness/expect-nothing-lost.ts';
import { createLoad } from './harness/load.ts';
import { createRandom } from './harness/random.ts';
import { useFaultWorld } from './harness/use-fault-world.ts';
import type { FaultWorld, LoadedTopic } from './harness/world.ts';

const useWorld = useFaultWorld();

/** The `main.js` of an older version, whose bridges are upgraded; the current one if it is not given. */
const OLD_MAIN = process.env['UPGRADE_FROM_MAIN'];

/** A second topic, smaller than the one of the world, with orders of its own. */
async function createSecondTopic(world: FaultWorld): Promise<LoadedTopic> {
  const { kafka } = world.servers;
  const { groupId } = world.system.topic;
  const topic = await createTestTopic({ partitions: 1, brokers: kafka, groupId });
  return {
    topic,
    partitions: 1,
    load: createLoad(kafka, topic.name, 1, createRandom(2), 'second-'),
  };
}

/** A busy machine may take long; a partition that is starved is never read. */
const PROGRESS_TIMEOUT_MS = 180_000;

/** Waits until the group has committed more of every partition of the topics than when it was called. */
async function expectProgressInAll(topics: readonly LoadedTopic[]): Promise<void> {
  const before = await Promise.all(topics.map(committedOffsets));
  await eventually(async () => {
    const now = await Promise.all(topics.map(committedOffsets));
    const hasMoved = now.map((ofTopic, t) =>
      ofTopic.map((offset, partition) => offset > (before[t]?.[partition] ?? -1)),
    );
    expect(hasMoved).toEqual(before.map((ofTopic) => ofTopic.map(() => true)));
  }, PROGRESS_TIMEOUT_MS);
}

/** By partition; -1 if nothing is committed. */
async function committedOffsets({ topic, partitions }: LoadedTopic): Promise<readonly number[]> {
  const { admin, groupId, name } = topic;
  const [found] = await admin.fetchOffsets({ groupId, topics: [name] });
  return Array.from({ length: partitions }, (_, number) =>
    Number(found?.partitions.find(({ partition }) => partition === number)?.offset ?? -1),
  );
}

test('a rolling upgrade from one topic to two under load, with crashes, loses and doubles nothing and starves no partition', async () => {
  const world = useWorld();
  const { system } = world;
  const second = await createSecondTopic(world);
  const first: LoadedTopic = { ...world, topic: system.topic, partitions: 3 };
  const both = [first, second];
  const bothTopics: ProgramEnv = {
    KAFKA_TOPIC: `${second.topic.name}, ${system.topic.name}`,
    BRIDGE_LAG_INTERVAL_MS: '500',
  };
  const startOld = () =>
    system.startBridge(
      { BRIDGE_BREAKER_MAX_PERCENT: '100', KAFKA_METADATA_MAX_AGE_MS: '2000' },
      OLD_MAIN,
    );
  try {
    await world.startWorker();
    const old = [await startOld(), await startOld()] as const;
    const sending = both.map(({ load }) => load.run(5));
    await expectProgressInAll([first]);

    const upgraded = await world.startBridge(bothTopics);
    await expectProgressInAll(both);
    // Beside the bridges that read one topic it is ready: the upgrade waits for that.
    await eventually(async () => {
      expect(await upgraded.http('GET', '/readyz')).toMatchObject({ status: 200 });
    });
    await upgraded.logged('group_topics_differ');

    await old[0].end('SIGKILL');
    await expectProgressInAll(both);
    await upgraded.end('SIGKILL');
    const another = await world.startBridge(bothTopics);
    await expectProgressInAll(both);
    await world.startBridge(bothTopics);
    expect(await old[1].end('SIGTERM')).toBe(0);
    await expectProgressInAll(both);

    for (const { load } of both) load.stop();
    await Promise.all(sending);
    await expectNothingLost({ ...world, otherTopics: [second] });
    expect(another.events.map(({ event }) => event)).not.toContain('foreign_offset');
  } finally {
    second.load.stop();
    await second.load.close();
    await second.topic.close();
  }
});

test('a topic that is recreated under load is read from its beginning, and the other loses nothing', async () => {
  const world = useWorld();
  const { system } = world;
  const second = await createSecondTopic(world);
  try {
    await world.startWorker();
    const bridge = await world.startBridge({
      KAFKA_TOPIC: `${system.topic.name},${second.topic.name}`,
    });
    const sending = world.load.run(5);
    await second.load.sendOnly('good', 30);
    await eventually(async () => {
      expect(await second.topic.lag()).toBe(0);
    });
    const { admin, name, kafka } = second.topic;
    await admin.deleteTopics({ topics: [name] });
    await eventually(() =>
      admin.createTopics({ waitForLeaders: false, topics: [{ topic: name, numPartitions: 1 }] }),
    );
    const producer = kafka.producer();
    await producer.connect();
    const [[id, order] = ['', undefined]] = [...second.load.expected];
    const recreated = { ...order, order_id: `recreated-${id}` };
    await eventually(() =>
      producer.send({ topic: name, messages: [{ key: null, value: JSON.stringify(recreated) }] }),
    );
    await producer.disconnect();
    await eventually(async () => {
      expect(await system.storedOrderIds()).toContain(recreated.order_id);
    });
    await expectProgressInAll([{ ...world, topic: system.topic, partitions: 3 }]);
    world.load.stop();
    await sending;
    await expectNothingLost(world);
    expect(bridge.exitStatus()).toBeUndefined();
  } finally {
    second.load.stop();
    await second.load.close();
    await second.topic.close();
  }
});
