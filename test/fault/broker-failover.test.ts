import { startBrokerPair, type BrokerPair } from '../support/broker-pair.ts';
import { orderText } from '../support/messages.ts';
import { runCli } from '../support/programs.ts';
import { createTestSystem, type TestSystem } from '../support/system.ts';

/**
 * The broker that coordinates the consumer group fails. Until the cluster has fenced it, all answers still
 * name it as the coordinator, although another broker has a replica of the group's offsets.
 */
let pair: BrokerPair;
/** Undefined if it could not be created: the brokers have to be stopped all the same. */
let created: TestSystem | undefined;
beforeAll(async () => {
  pair = await startBrokerPair([
    'offsets.topic.replication.factor=2',
    // Kafka's default: longer than the start of a bridge takes, and much shorter than commands wait.
    'broker.session.timeout.ms=9000',
  ]);
  created = await createTestSystem({
    brokers: pair.brokers.join(','),
    leaders: [1],
    groupId: await pair.groupOn(2),
  });
});
afterAll(async () => {
  await created?.close();
  await pair.remove();
});

test('bridges and commands that start while a failed broker is not fenced yet wait for another one to take over', async () => {
  const system = created;
  if (!system) throw new Error('the system was not created');
  await system.topic.send([{ key: 'a', value: orderText('a') }]);
  await pair.kill(2);
  const [lag] = await Promise.all([
    runCli(['lag', '--json'], system.bridgeEnv),
    system.startBridge(),
  ]);
  expect(lag).toMatchObject({ exitCode: 0, stderr: '' });
  await system.allCommitted();
});
