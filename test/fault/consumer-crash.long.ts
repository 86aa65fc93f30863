import { AssignerProtocol, type Consumer, type PartitionAssigner } from 'kafkajs';
import { eventually } from '../support/eventually.ts';
import { orderText } from '../support/messages.ts';
import type { RunningProgram } from '../support/programs.ts';
import { createTestSystem, STARTED, type TestSystem } from '../support/system.ts';

/** kafkajs ends a consumer for good when the broker does not accept it in the group. */

let system: TestSystem;
let incompatible: Consumer;
let bridge: RunningProgram;

/** An assigner that the bridge does not have: a member with it cannot be in a group with the bridge. */
const otherAssigner: PartitionAssigner = () => ({
  name: 'other',
  version: 0,
  assign: ({ members }) =>
    Promise.resolve(
      members.map(({ memberId }) => ({
        memberId,
        memberAssignment: AssignerProtocol.MemberAssignment.encode({
          version: 0,
          assignment: {},
          userData: Buffer.alloc(0),
        }),
      })),
    ),
  protocol: ({ topics }) => ({
    name: 'other',
    metadata: AssignerProtocol.MemberMetadata.encode({
      version: 0,
      topics,
      userData: Buffer.alloc(0),
    }),
  }),
});

beforeEach(async () => {
  system = await createTestSystem();
  const { kafka, groupId, name } = system.topic;
  bridge = await system.startBridge();
  process.kill(bridge.pid, 'SIGSTOP');
  // The session of the frozen bridge ends, and the group belongs to the other member.
  await eventually(async () => {
    incompatible = kafka.consumer({
      groupId,
      partitionAssigners: [otherAssigner],
      retry: { retries: 0 },
    });
    await incompatible.connect();
    await incompatible.subscribe({ topic: name });
    const joined = new Promise<void>((resolve, reject) => {
      incompatible.on('consumer.group_join', () => {
        resolve();
      });
      incompatible.on('consumer.crash', ({ payload }) => {
        reject(payload.error);
      });
    });
    await Promise.all([incompatible.run({ eachMessage: () => Promise.resolve() }), joined]).catch(
      async (error: unknown) => {
        await incompatible.disconnect();
        throw error;
      },
    );
  });
  process.kill(bridge.pid, 'SIGCONT');
  await bridge.logged('kafka_poll_error', ({ restart }) => restart === false);
}, 120_000);
afterEach(async () => {
  await incompatible.disconnect();
  await system.close();
});

test('the bridge resumes as soon as the group accepts it again', async () => {
  await system.topic.send([{ key: 'a', value: orderText('a') }]);
  await incompatible.disconnect();
  await eventually(async () => {
    expect(await system.topic.lag()).toBe(0);
  });
  expect(await system.status('a')).toMatch(STARTED);
  expect((await bridge.http('GET', '/readyz')).status).toBe(200);
});

test('the bridge is not ready, and exits with code 1 when the group has not accepted it for a minute', async () => {
  expect((await bridge.http('GET', '/readyz')).status).toBe(503);
  await eventually(() => {
    expect(bridge.exitStatus()).toBe(1);
  }, 100_000);
  expect(bridge.recentOutput()).toContain('does not let the bridge join the consumer group');
});
