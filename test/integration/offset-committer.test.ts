import { Assignment } from '../../src/kafka/consumer/assignment.ts';
import { createGroupAdmin } from '../../src/kafka/consumer/group-admin.ts';
import { OffsetCommitter } from '../../src/kafka/consumer/offset-committer.ts';
import { createTestTopic, type TestTopic } from '../support/kafka.ts';

let topic: TestTopic;
beforeEach(async () => {
  topic = await createTestTopic();
});
afterEach(() => topic.close());

test('a member that is no longer in the group takes its offset for that of a successor, and commits nothing', async () => {
  const { kafka, groupId, name } = topic;
  let commits = 0;
  const assignment = new Assignment();
  assignment.begin([{ topic: name, partition: 0 }], {
    status: 'member',
    memberId: 'bridge-1',
    commit: () => Promise.resolve(void (commits += 1)),
  });
  const { generation } = assignment;
  const partition = assignment.find({ topic: name, partition: 0 }, generation);
  partition?.setPosition({ partition: 0, committed: 5n, low: 0n, high: 20n });
  partition?.finishUpTo(10n);
  await topic.admin.setOffsets({
    groupId,
    topic: name,
    partitions: [{ partition: 0, offset: '7' }],
  });
  const group = createGroupAdmin(kafka, groupId);
  const committer = new OffsetCommitter({ topic: name, generation, assignment, group });
  expect(await committer.commit()).toEqual({ kind: 'fenced' });
  expect(commits).toBe(0);
  await committer.close();
});
