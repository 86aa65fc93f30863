import { assignBySubscription } from '../../../../src/kafka/consumer/subscription-assigner.ts';

const EU = 'orders-eu';
const US = 'orders-us';

const plain = (assignments: ReturnType<typeof assignBySubscription>) =>
  Object.fromEntries(assignments);

test('assigns the partitions of one topic to its members in turn', () => {
  const subscribers = ['b', 'a'].map((memberId) => ({ memberId, topics: [EU] }));
  expect(plain(assignBySubscription(subscribers, new Map([[EU, [0, 1, 2]]])))).toEqual({
    a: { [EU]: [0, 2] },
    b: { [EU]: [1] },
  });
});

test('assigns every partition, each to a member that subscribes to its topic', () => {
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
    const assigned = Object.values(assignments).flatMap((assignment) => assignment[topic] ?? []);
    expect(assigned.sort()).toEqual(partitions);
  }
});

test('assigns nothing of a topic without subscribers', () => {
  expect(assignBySubscription([{ memberId: 'a', topics: [EU] }], new Map([[US, [0]]])).size).toBe(
    0,
  );
});
