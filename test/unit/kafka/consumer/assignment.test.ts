import { Assignment, type Membership } from '../../../../src/kafka/consumer/assignment.ts';

const MEMBER: Membership = {
  status: 'member',
  memberId: 'bridge-1',
  commit: () => Promise.resolve(),
};

let assignment: Assignment;
beforeEach(() => {
  assignment = new Assignment();
  assignment.begin([0, 1], MEMBER);
});

test('a partition is found only if it is assigned and the generation is the current one', () => {
  const { generation } = assignment;
  expect(assignment.find(0, generation)?.id).toBe(0);
  expect(assignment.find(2, generation)).toBeUndefined();
  assignment.begin([0, 2], MEMBER);
  // Assigned again, but in a newer generation.
  expect(assignment.find(0, generation)).toBeUndefined();
  expect(assignment.all(generation)).toEqual([]);
  expect(assignment.find(2, assignment.generation)?.id).toBe(2);
});

test('generations have numbers that only grow, also where the member stays the same', () => {
  const numbers = [1, 2, 3].map(() => {
    assignment.begin(assignment.partitions, assignment.membership);
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
  assignment.begin([0, 1], MEMBER);
  expect(revoked.aborted).toBe(true);
  // What reports when it is told to stop reports to a generation that is over.
  expect(isCurrent).toEqual([false]);
  expect(assignment.revoked.aborted).toBe(false);
});

test('a new generation knows nothing of what is read, finished or sent, but the committed offset', () => {
  const before = assignment.find(0, assignment.generation);
  before?.setPosition({ partition: 0, committed: 10n, low: 0n, high: 50n });
  before?.finishUpTo(20n);
  before?.commitSent();
  before?.finishUpTo(30n);
  assignment.begin([0], MEMBER);
  const after = assignment.find(0, assignment.generation);
  expect([after?.hasPosition, after?.pending, after?.commitAgeMs]).toEqual([false, undefined, 0]);
  expect(after?.recognizes(20n)).toBe(false);
  expect(after?.recognizes(10n)).toBe(true);
});

test('the committed offset of a partition is known from when it was not assigned, or before that', () => {
  assignment
    .find(0, assignment.generation)
    ?.setPosition({ partition: 0, committed: 10n, low: 0n, high: 50n });
  assignment.begin([], { status: 'fenced' });
  assignment.observe(new Map([[1, 70n]]));
  assignment.begin([0, 1], MEMBER);
  expect(assignment.all(assignment.generation).map(({ committed }) => committed)).toEqual([
    10n,
    70n,
  ]);
});

test('the committed offset of an assigned partition is observed until the partition is open', () => {
  assignment.observe(new Map([[0, 70n]]));
  expect(assignment.find(0, assignment.generation)?.committed).toBe(70n);
});
