import type { MemberDescription } from 'kafkajs';
import { groupFinding } from '../../../src/operate/doctor/check-consumer-group.ts';
import { group, member } from '../../support/group-description.ts';

const EU = 'orders-eu';
const US = 'orders-us';

const finding = (members: MemberDescription[], partitions: Partitions = { [EU]: [0, 1] }) =>
  groupFinding(group(members), {
    groupId: 'g',
    topics: Object.keys(partitions),
    partitions: new Map(Object.entries(partitions)),
    lag: 7n,
  });

type Partitions = Readonly<Record<string, readonly number[]>>;

test('bridges that read the whole topic are ok', () => {
  expect(finding([member('eu', [EU], { [EU]: [0, 1] })])).toMatchObject({
    state: 'ok',
    detail: expect.stringMatching(/"g" .*\b1 bridge\b.*\b7 messages/),
  });
});

test('a foreign member fails the check and is named, with the partitions that no member reads', () => {
  const found = finding([member('eu', [EU], { [EU]: [0] }), member('us', [US], { [EU]: [1] })]);
  expect(found.state).toBe('failed');
  expect(found.detail).toContain('member us, subscribed to "orders-us"');
  expect(found.detail).toContain('no member reads partition 1 of "orders-eu"');
});

test('partitions that no member reads fail the check without a foreign member too', () => {
  expect(finding([member('eu', [EU], { [EU]: [0] })])).toMatchObject({
    state: 'failed',
    detail: expect.stringContaining('no member reads partition 1'),
  });
});

test('a group without members fails the check, and more bridges than partitions are a warning', () => {
  expect(finding([])).toMatchObject({ state: 'failed' });
  const idle = [
    member('a', [EU], { [EU]: [0] }),
    member('b', [EU], { [EU]: [1] }),
    member('c', [EU], {}),
  ];
  expect(finding(idle)).toMatchObject({ state: 'warning' });
});

describe('bridges of two topics', () => {
  const both = { [EU]: [0, 1], [US]: [0] };

  test('are ok in whatever order they list them, and as many as both have partitions', () => {
    const members = [
      member('a', [EU, US], { [EU]: [0] }),
      member('b', [US, EU], { [EU]: [1] }),
      member('c', [EU, US], { [US]: [0] }),
    ];
    expect(finding(members, both)).toMatchObject({ state: 'ok' });
    const idle = [...members, member('d', [EU, US], {})];
    expect(finding(idle, both)).toMatchObject({ state: 'warning' });
  });

  test('are a warning beside one with other topics that they share, and fail if a partition is unread', () => {
    const upgraded = member('new', [EU, US], { [EU]: [0], [US]: [0] });
    const old = member('old', [EU], { [EU]: [1] });
    expect(finding([upgraded, old], both)).toMatchObject({
      state: 'warning',
      detail: expect.stringContaining('member old'),
    });
    const starved = finding([member('new', [EU, US], { [EU]: [0] }), old], both);
    expect(starved).toMatchObject({
      state: 'failed',
      detail: expect.stringContaining('no member reads partition 0 of "orders-us"'),
    });
  });
});
