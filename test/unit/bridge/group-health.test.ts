import { foreignMembersReason } from '../../../src/bridge/bridge-health.ts';
import { reportedLag } from '../../../src/bridge/bridge-metrics.ts';
import { foreignMembers } from '../../../src/kafka/group-members.ts';
import { group, member } from '../../support/group-description.ts';

const EU = 'orders-eu';
const US = 'orders-us';

test('a bridge reports the lag of its own partitions and of those that no bridge reads', () => {
  const lag = new Map([
    [0, 10],
    [1, 11],
    [2, 12],
  ]);
  expect([...reportedLag(lag, new Set([0]), new Set([2])).keys()]).toEqual([0, 2]);
  expect(reportedLag(lag, new Set(), new Set()).size).toBe(0);
});

test('a bridge with foreign members in its group names them and the fix', () => {
  const foreign = foreignMembers(group([member('us', [US], {})]), EU);
  const reason = foreignMembersReason(foreign, 'storage_loader', EU);
  expect(reason).toContain('"storage_loader"');
  expect(reason).toContain('"order-ingest" at /10.0.0.7 (member us, subscribed to "orders-us")');
  expect(reason).toContain('KAFKA_GROUP_ID');
  expect(foreignMembersReason([], 'storage_loader', EU)).toBeUndefined();
});
