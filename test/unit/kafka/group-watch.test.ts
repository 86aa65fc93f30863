import { otherMembers } from '../../../src/kafka/group-members.ts';
import { EMPTY_GROUP, overlapSince } from '../../../src/kafka/group-watch.ts';
import { group, member } from '../../support/group-description.ts';

const overlapping = (...names: readonly [string, string[]][]) =>
  otherMembers(group(names.map(([id, topics]) => member(id, topics, {}))), ['eu', 'us'])
    .overlapping;

test('overlapping members keep the time at which they appeared until they or their topics change', () => {
  const first = overlapSince(
    EMPTY_GROUP.overlapping,
    overlapping(['a', ['eu']], ['b', ['eu']]),
    1000,
  );
  expect(first.since).toBe(1000);
  // In whatever order the coordinator lists them.
  const same = overlapSince(first, overlapping(['b', ['eu']], ['a', ['eu']]), 2000);
  expect(same).toBe(first);
  const replaced = overlapSince(same, overlapping(['b', ['eu']]), 3000);
  expect(replaced.since).toBe(3000);
  expect(overlapSince(replaced, overlapping(['b', ['us']]), 4000).since).toBe(4000);
  expect(overlapSince(replaced, [], 5000).members).toEqual([]);
});
