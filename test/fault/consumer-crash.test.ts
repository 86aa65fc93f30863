import { AssignerProtocol, type Consumer, type PartitionAssigner } from 'kafkajs';
import { eventually } from '../support/eventually.ts';
import { orderText } from '../support/messages.ts';
import type { RunningProgram } from '../support/programs.ts';
import { createTestSystem, type TestSystem } from '../support/system.ts';

/** kafkajs ends a consumer for good when the broker refuses it in the group. */

let system: TestSystem;
let stranger: Consumer;
let bridge: RunningProgram;

/** A member of the group with which ours has no assignment protocol in common. */
const strange: PartitionAssigner = () => ({
  name: 'strange',
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
    name: 'strange',
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
  // Its session ends while it is frozen, and the group is the stranger's.
  await eventually(async () => {
    stranger = kafka.consumer({ groupId, partitionAssigners: [strange], retry: { retries: 0 } });
    await stranger.connect();
    await stranger.subscribe({ topic: name });
    const joined = new Promise<void>((resolve, reject) => {
      stranger.on('consumer.group_join', () => {
        resolve();
      });
      stranger.on('consumer.crash', ({ payload }) => {
        reject(payload.error);
      });
    });
    await Promise.all([stranger.run({ eachMessage: () => Promise.resolve() }), joined]).catch(
      async (error: unknown) => {
        await stranger.disconnect();
        throw error;
      },
    );
  });
  process.kill(bridge.pid, 'SIGCONT');
  await bridge.logged('kafka_poll_error', ({ restart }) => restart === false);
}, 120_000);
afterEach(async () => {
  await stranger.disconnect();
  await system.close();
});

test('the bridge goes on as soon as the group takes it again', async () => {
  await system.topic.send([{ key: 'a', value: orderText('a') }]);
  await stranger.disconnect();
  await eventually(async () => {
    expect(await system.topic.lag()).toBe(0);
  });
  expect(await system.status('a')).toBe('RUNNING');
  expect((await bridge.http('GET', '/readyz')).status).toBe(200);
});

test('the bridge ends with exit code 1 when it is not taken for a minute, not ready until then', async () => {
  expect((await bridge.http('GET', '/readyz')).status).toBe(503);
  await eventually(() => {
    expect(bridge.exitStatus()).toBe(1);
  }, 100_000);
  expect(bridge.recentOutput()).toContain('does not let the bridge join the consumer group');
});
