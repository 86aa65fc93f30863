import { createGroupClient } from '../../src/kafka/consumer/group-client.ts';
import { OffsetCommitter } from '../../src/kafka/consumer/offset-committer.ts';
import { PositionLedger } from '../../src/kafka/consumer/position-ledger.ts';
import { silentLogger } from '../../src/telemetry/logger.ts';
import { createTestTopic, type TestTopic } from '../support/kafka.ts';

let topic: TestTopic;
beforeEach(async () => {
  topic = await createTestTopic();
});
afterEach(() => topic.close());

/** What a committer does that has ten messages to commit, while the group is at the seventh. */
async function commitBesideAnother(memberId: string): Promise<readonly string[]> {
  const { kafka, groupId, name } = topic;
  const calls: string[] = [];
  const ledger = new PositionLedger();
  ledger.open([{ partition: 0, committed: 5n, low: 0n, high: 20n }]);
  const committer = new OffsetCommitter({
    group: createGroupClient(kafka, groupId, name),
    topic: name,
    ledger,
    logger: silentLogger(),
    onForeignOffset: () => calls.push('foreign offset'),
    onExpelled: () => calls.push('expelled'),
  });
  committer.openEpoch({ memberId, commit: () => Promise.resolve(void calls.push('commit')) });
  committer.add(0, 10n);
  await topic.admin.setOffsets({
    groupId,
    topic: name,
    partitions: [{ partition: 0, offset: '7' }],
  });
  await committer.flush();
  await committer.close();
  return calls;
}

test('who is no longer of the group takes its offset for that of a successor, and commits nothing', async () => {
  expect(await commitBesideAnother('bridge-1')).toEqual(['expelled']);
});
