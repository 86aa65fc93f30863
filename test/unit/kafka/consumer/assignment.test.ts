import { Assignment, type Membership } from '../../../../src/kafka/consumer/assignment.ts';

const MEMBER: Membership = {
  status: 'member',
  memberId: 'bridge-1',
  commit: () => Promise.resolve(),
};

const order = (partition: number) => ({ topic: 'orders', partition });
const orders = (...partitions: readonly number[]) => partitions.map(order);

let assignment: Assignment;
beforeEach(() => {
  assignment = new Assignment();
  assignment.begin(orders(0, 1), MEMBER);
});

test('a partition is found only if it is assigned and the generation is the current one', () => {
  const { generation } = assignment;
  expect(assignment.find(order(0), generation)?.partition).toBe(0);
  expect(assignment.find(order(2), generation)).toBeUndefined();
  assignment.begin(orders(0, 2), MEMBER);
  // Assigned again, but in a newer generation.
  expect(assignment.find(order(0), generation)).toBeUndefined();
  expect(assignment.ofTopic('orders', generation)).toEqual([]);
  expect(assignment.find(order(2), assignment.generation)?.partition).toBe(2);
});

test('generations have numbers that only grow, also where the member stays the same', () => {
  const numbers = [1, 2, 3].map(() => {
    assignment.begin(assignment.all(), assignment.membership);
    return assignment.generation;
  });
  expect(new Set(numbers).size).toBe(3);
  expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
});

test('the signal of a generation is aborted when the next one has begun', () => {
  const { revoked, generation } = assignment;
  const isCurrent: boolean[] = [];
  revoked.addEventListener('abort', () => isCurrent.push(assignment.isCurrent(generation)));
  expect(revoked.aborted).toBe(false);
  assignment.begin(orders(0, 1), MEMBER);
  expect(revoked.aborted).toBe(true);
  // What reports when it is told to stop reports to a generation that is over.
  expect(isCurrent).toEqual([false]);
  expect(assignment.revoked.aborted).toBe(false);
});

test('a new generation knows nothing of what is read, finished or sent, but the committed offset', () => {
  const before = assignment.find(order(0), assignment.generation);
  before?.setPosition({ partition: 0, committed: 10n, low: 0n, high: 50n });
  before?.finishUpTo(20n);
  before?.commitSent();
  before?.finishUpTo(30n);
  assignment.begin(orders(0), MEMBER);
  const after = assignment.find(order(0), assignment.generation);
  expect([after?.hasPosition, after?.pending, after?.commitAgeMs]).toEqual([false, undefined, 0]);
  expect(after?.recognizes(20n)).toBe(false);
  expect(after?.recognizes(10n)).toBe(true);
});

test('the committed offset of a partition is known from when it was not assigned, or before that', () => {
  assignment
    .find(order(0), assignment.generation)
    ?.setPosition({ partition: 0, committed: 10n, low: 0n, high: 50n });
  assignment.begin([], { status: 'fenced' });
  assignment.observe('orders', new Map([[1, 70n]]));
  assignment.begin(orders(0, 1), MEMBER);
  expect(assignment.all().map(({ committed }) => committed)).toEqual([10n, 70n]);
});

test('the committed offset of an assigned partition is observed until the partition is open', () => {
  assignment.observe('orders', new Map([[0, 70n]]));
  expect(assignment.find(order(0), assignment.generation)?.committed).toBe(70n);
});

test('partitions with the same number of two topics have nothing in common', () => {
  const returned = { topic: 'returns', partition: 0 };
  assignment.observe('returns', new Map([[0, 70n]]));
  assignment.begin([...orders(0, 1), returned], MEMBER);
  const { generation } = assignment;
  assignment.find(order(0), generation)?.finishUpTo(20n);
  expect(assignment.find(returned, generation)?.pending).toBeUndefined();
  expect(assignment.find(order(0), generation)?.committed).toBeUndefined();
  expect(assignment.find(returned, generation)?.committed).toBe(70n);
  expect(assignment.ofTopic('returns', generation).map(({ topic }) => topic)).toEqual(['returns']);
  expect(assignment.partitions).toEqual(new Set(['orders/0', 'orders/1', 'returns/0']));
  // A topic that is not assigned any more keeps its committed offset, as a partition does.
  assignment.find(returned, generation)?.setPosition({
    ...{ partition: 0, committed: 80n, low: 0n, high: 90n },
  });
  assignment.begin(orders(0), MEMBER);
  assignment.begin([returned], MEMBER);
  expect(assignment.all().map(({ committed }) => committed)).toEqual([80n]);
});
