import { foreignMembers, unreadPartitions } from '../../../src/kafka/group-members.ts';
import { group, member } from '../../support/group-description.ts';

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

test('a member whose subscription is unknown, as during a rebalance, is not foreign', () => {
  const joining = { ...member('eu', [], {}), memberMetadata: Buffer.alloc(0) };
  const unreadable = { ...member('eu', [], {}), memberMetadata: Buffer.from([0]) };
  expect(foreignMembers(group([joining, unreadable]), EU)).toEqual([]);
});

test('partitions are unread when assigned to no member, or to one that does not subscribe to the topic', () => {
  const members = [member('eu', [EU], { [EU]: [0, 2] }), member('us', [US], { [EU]: [1, 3] })];
  expect(unreadPartitions(group(members), EU, [0, 1, 2, 3, 4])).toEqual([1, 3, 4]);
  expect(unreadPartitions(group(members), US, [0, 1])).toEqual([0, 1]);
  expect(unreadPartitions(group(members, 'PreparingRebalance'), EU, [0, 1, 2])).toEqual([]);
});
