import {
  otherMembers,
  unreadPartitions,
  type GroupMember,
} from '../../../src/kafka/group-members.ts';
import { group, member } from '../../support/group-description.ts';

const EU = 'orders-eu';
const US = 'orders-us';

const ids = (members: readonly GroupMember[]) => members.map(({ memberId }) => memberId);

test('a member is foreign if it shares no topic, and overlaps if it shares some but not all', () => {
  const members = group([
    member('eu', [EU], {}),
    member('us', [US], {}),
    member('both', [EU, US], {}),
    member('reversed', [US, EU], {}),
    member('other', ['returns'], {}),
  ]);
  const ofOne = otherMembers(members, [EU]);
  expect(ids(ofOne.foreign)).toEqual(['us', 'other']);
  expect(ids(ofOne.overlapping)).toEqual(['both', 'reversed']);
  // The order of the topics does not matter.
  const ofBoth = otherMembers(members, [EU, US]);
  expect(ids(ofBoth.foreign)).toEqual(['other']);
  expect(ids(ofBoth.overlapping)).toEqual(['eu', 'us']);
});

test('a member whose subscription is unknown, as during a rebalance, is not foreign', () => {
  const joining = { ...member('eu', [], {}), memberMetadata: Buffer.alloc(0) };
  const unreadable = { ...member('eu', [], {}), memberMetadata: Buffer.from([0]) };
  const { foreign, overlapping } = otherMembers(group([joining, unreadable]), [EU]);
  expect([...foreign, ...overlapping]).toEqual([]);
});

test('partitions are unread when assigned to no member, or to one that does not subscribe to the topic', () => {
  const members = [member('eu', [EU], { [EU]: [0, 2] }), member('us', [US], { [EU]: [1, 3] })];
  expect(unreadPartitions(group(members), EU, [0, 1, 2, 3, 4])).toEqual([1, 3, 4]);
  expect(unreadPartitions(group(members), US, [0, 1])).toEqual([0, 1]);
  expect(unreadPartitions(group(members, 'PreparingRebalance'), EU, [0, 1, 2])).toEqual([]);
});
