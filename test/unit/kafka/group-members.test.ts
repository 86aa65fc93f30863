import kafkajs, { type ConsumerGroupState, type MemberDescription } from 'kafkajs';
import { foreignMembersReason } from '../../../src/bridge/bridge-health.ts';
import { reportedLag } from '../../../src/bridge/bridge-metrics.ts';
import { judgeGroup } from '../../../src/operate/doctor/check-kafka.ts';
import { foreignMembers, groupOf, unreadPartitions } from '../../../src/kafka/group-members.ts';
import { assignBySubscription } from '../../../src/kafka/consumer/subscription-assigner.ts';

const { MemberAssignment, MemberMetadata } = kafkajs.AssignerProtocol;
const userData = Buffer.alloc(0);

const member = (
  memberId: string,
  topics: string[],
  assignment: Record<string, number[]>,
): MemberDescription => ({
  memberId,
  clientId: 'order-ingest',
  clientHost: '/10.0.0.7',
  memberMetadata: MemberMetadata.encode({ version: 0, topics, userData }),
  memberAssignment: MemberAssignment.encode({ version: 0, assignment, userData }),
});

const group = (members: MemberDescription[], state: ConsumerGroupState = 'Stable') =>
  groupOf({ members, state });

const EU = 'orders-eu';
const US = 'orders-us';

test('a member that subscribes to another topic, or to more, is foreign', () => {
  const members = group([
    member('eu', [EU], {}),
    member('us', [US], {}),
    member('both', [EU, US], {}),
  ]);
  expect(foreignMembers(members, EU).map(({ memberId }) => memberId)).toEqual(['us', 'both']);
});

test('a member whose subscription is not known, as during a rebalance, is not foreign', () => {
  const joining = { ...member('eu', [], {}), memberMetadata: Buffer.alloc(0) };
  const unreadable = { ...member('eu', [], {}), memberMetadata: Buffer.from([0]) };
  expect(foreignMembers(group([joining, unreadable]), EU)).toEqual([]);
});

test('partitions of members that ignore them, and of nobody, are not read', () => {
  const members = [member('eu', [EU], { [EU]: [0, 2] }), member('us', [US], { [EU]: [1, 3] })];
  expect(unreadPartitions(group(members), EU, [0, 1, 2, 3, 4])).toEqual([1, 3, 4]);
  expect(unreadPartitions(group(members), US, [0, 1])).toEqual([0, 1]);
  expect(unreadPartitions(group(members, 'PreparingRebalance'), EU, [0, 1, 2])).toEqual([]);
});

test('a bridge reports the lag of its own partitions and of those that no bridge reads', () => {
  const lag = new Map([
    [0, 10],
    [1, 11],
    [2, 12],
  ]);
  expect([...reportedLag(lag, new Set([0]), new Set([2])).keys()]).toEqual([0, 2]);
  expect(reportedLag(lag, new Set(), new Set()).size).toBe(0);
});

test('a bridge with foreign members in its group says who they are and what to do', () => {
  const foreign = foreignMembers(group([member('us', [US], {})]), EU);
  const reason = foreignMembersReason(foreign, 'storage_loader', EU);
  expect(reason).toContain('"storage_loader"');
  expect(reason).toContain('"order-ingest" at /10.0.0.7 (member us, subscribed to "orders-us")');
  expect(reason).toContain('KAFKA_GROUP_ID');
  expect(foreignMembersReason([], 'storage_loader', EU)).toBeUndefined();
});

describe('the doctor', () => {
  const judge = (members: MemberDescription[], partitions = [0, 1]) =>
    judgeGroup(group(members), { groupId: 'g', topic: EU, partitions, lag: 7n });

  test('finds nothing wrong with bridges that read all of the topic', () => {
    expect(judge([member('eu', [EU], { [EU]: [0, 1] })])).toMatchObject({
      state: 'ok',
      detail: '"g" has 1 bridge and 7 messages to go',
    });
  });

  test('names a foreign member, and the partitions that nobody reads', () => {
    const finding = judge([member('eu', [EU], { [EU]: [0] }), member('us', [US], { [EU]: [1] })]);
    expect(finding.state).toBe('failed');
    expect(finding.detail).toContain('member us, subscribed to "orders-us"');
    expect(finding.detail).toContain('no member reads partition 1 of "orders-eu"');
  });

  test('names partitions that nobody reads without a foreign member', () => {
    expect(judge([member('eu', [EU], { [EU]: [0] })])).toMatchObject({
      state: 'failed',
      detail: expect.stringContaining('no member reads partition 1'),
    });
  });

  test('warns of more bridges than partitions, and misses bridges', () => {
    expect(judge([])).toMatchObject({ state: 'failed' });
    const idle = [
      member('a', [EU], { [EU]: [0] }),
      member('b', [EU], { [EU]: [1] }),
      member('c', [EU], {}),
    ];
    expect(judge(idle)).toMatchObject({ state: 'warning' });
  });
});

describe('the assigner', () => {
  const plain = (assignments: ReturnType<typeof assignBySubscription>) =>
    Object.fromEntries(assignments);

  test('deals the partitions of one topic to its members in turn', () => {
    const subscribers = ['b', 'a'].map((memberId) => ({ memberId, topics: [EU] }));
    expect(plain(assignBySubscription(subscribers, new Map([[EU, [0, 1, 2]]])))).toEqual({
      a: { [EU]: [0, 2] },
      b: { [EU]: [1] },
    });
  });

  test('gives each member partitions of its own topics only, and leaves none out', () => {
    const subscribers = [
      { memberId: 'eu', topics: [EU] },
      { memberId: 'us', topics: [US] },
      { memberId: 'both', topics: [EU, US] },
    ];
    const topics = new Map([
      [EU, [0, 1, 2, 3, 4, 5]],
      [US, [0, 1, 2, 3, 4]],
    ]);
    const assignments = plain(assignBySubscription(subscribers, topics));
    expect(Object.keys(assignments['eu'] ?? {})).toEqual([EU]);
    expect(Object.keys(assignments['us'] ?? {})).toEqual([US]);
    for (const [topic, partitions] of topics) {
      const dealt = Object.values(assignments).flatMap((assignment) => assignment[topic] ?? []);
      expect(dealt.sort()).toEqual(partitions);
    }
  });

  test('leaves a topic alone that nobody subscribes to', () => {
    expect(assignBySubscription([{ memberId: 'a', topics: [EU] }], new Map([[US, [0]]])).size).toBe(
      0,
    );
  });
});
