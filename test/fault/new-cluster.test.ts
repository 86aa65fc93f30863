import { createTopics } from '../support/kafka.ts';
import { runCli } from '../support/programs.ts';
import { startOwnBroker, type OwnBroker } from '../support/own-broker.ts';
import { createTestSystem, type TestSystem } from '../support/system.ts';

/** A cluster that cannot create `__consumer_offsets`, because that takes a second broker. */
let broker: OwnBroker;
let system: TestSystem;
beforeEach(async () => {
  broker = await startOwnBroker(['offsets.topic.replication.factor=2']);
  system = await createTestSystem({ brokers: broker.address });
});
afterEach(async () => {
  await system.close();
  await broker.remove();
});

test('setup and a bridge start while the group has no coordinator yet, and commands report it', async () => {
  const env = { ...system.bridgeEnv, ...system.workerEnv };
  const starting = system.startBridge();
  expect(await runCli(['setup', '--only', 'kafka'], env)).toMatchObject({ exitCode: 0 });
  expect(await runCli(['lag'], env)).toMatchObject({
    exitCode: 1,
    stderr: expect.stringContaining('has no coordinator for the consumer group yet'),
  });
  await createTopics(system.topic.kafka, [
    { topic: '__consumer_offsets', numPartitions: 4, replicationFactor: 1 },
  ]);
  const bridge = await starting;
  expect(bridge.events.map(({ event }) => event)).toContain('waiting_for_kafka');
  expect(await bridge.end('SIGTERM')).toBe(0);
});
