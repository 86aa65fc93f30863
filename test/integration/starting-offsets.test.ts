import { orderText } from '../support/messages.ts';
import { runCli } from '../support/programs.ts';
import { eventually } from '../support/eventually.ts';
import { createTestSystem, type TestSystem } from '../support/system.ts';

let system: TestSystem;
beforeEach(async () => {
  system = await createTestSystem({ partitions: 2 });
});
afterEach(() => system.close());

const send = (id: string, partition = 0) =>
  system.topic.send([{ key: id, value: orderText(id), partition }]);

const started = (id: string) => eventually(() => system.workflow(id).describe());

test('earliest: a new group begins with the oldest message', async () => {
  await send('old');
  await system.startBridge({ KAFKA_AUTO_OFFSET_RESET: 'earliest' });
  await started('old');
});

test('latest: a new group begins at the end, and from then on skips nothing', async () => {
  await send('old');
  const env = { KAFKA_AUTO_OFFSET_RESET: 'latest' };
  const bridge = await system.startBridge(env);
  await send('new');
  await started('new');
  await system.allCommitted();
  await bridge.end('SIGTERM');
  await send('while away');
  await system.topic.addPartitions(3);
  await send('on a new partition', 2);
  await system.startBridge(env);
  await started('while away');
  await started('on a new partition');
  await expect(system.workflow('old').describe()).rejects.toThrow(/not found/i);
});

test('none: a group without committed offsets is an error that says what to do', async () => {
  const { exitCode, stderr } = await runCli(['bridge'], {
    ...system.bridgeEnv,
    KAFKA_AUTO_OFFSET_RESET: 'none',
  });
  expect(exitCode).toBe(1);
  expect(stderr).toContain(
    `"${system.topic.groupId}" has no committed offset for "${system.topic.name}"`,
  );
  expect(stderr).toContain('Fix: correct KAFKA_GROUP_ID, or set KAFKA_AUTO_OFFSET_RESET');
});

test('none: a group with a committed offset resumes from it, and reads partitions without one from their beginning', async () => {
  await system.topic.admin.setOffsets({
    groupId: system.topic.groupId,
    topic: system.topic.name,
    partitions: [{ partition: 0, offset: '1' }],
  });
  await send('before');
  await send('after');
  await send('on a partition that was empty', 1);
  await system.topic.addPartitions(3);
  await send('on a new partition', 2);
  await system.startBridge({ KAFKA_AUTO_OFFSET_RESET: 'none' });
  await started('after');
  await started('on a partition that was empty');
  await started('on a new partition');
  await expect(system.workflow('before').describe()).rejects.toThrow(/not found/i);
});
