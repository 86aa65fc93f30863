import { jest } from '@jest/globals';
import type { CommittedOffset } from '../../../../src/kafka/group-positions.ts';
import { Assignment } from '../../../../src/kafka/consumer/assignment.ts';
import { OffsetCommitter } from '../../../../src/kafka/consumer/offset-committer.ts';

const PARTITION = { topic: 'orders', partition: 0 };

/** What the broker reports as the group's offset in partition 0; each look takes the next answer. */
let answers: (CommittedOffset | 'no such partition' | Error)[];
let isMember: boolean;
let calls: string[];
/** How commits fail, if they do. */
let failure: Error | undefined;
let assignment: Assignment;
let committer: OffsetCommitter;
beforeEach(() => {
  answers = [];
  isMember = true;
  calls = [];
  failure = undefined;
  assignment = new Assignment();
  committer = begin();
});

/** Begins a generation in which the group is at offset 5 of partition 0. */
function begin(): OffsetCommitter {
  assignment.begin([PARTITION], {
    status: 'member',
    memberId: 'bridge-1',
    commit(topic, offsets) {
      expect(topic).toBe('orders');
      calls.push(`commit ${String(offsets[0]?.offset)}`);
      return failure ? Promise.reject(failure) : Promise.resolve();
    },
  });
  const { generation } = assignment;
  assignment
    .find(PARTITION, generation)
    ?.setPosition({ partition: 0, committed: 5n, low: 0n, high: 20n });
  return new OffsetCommitter({ topic: 'orders', generation, assignment, group: { connect } });
}

function connect() {
  calls.push('connect');
  return {
    committed() {
      const answer = answers.length > 1 ? answers.shift() : answers[0];
      if (answer instanceof Error) return Promise.reject(answer);
      if (answer === undefined || answer === 'no such partition') {
        return Promise.resolve(new Map<number, CommittedOffset>());
      }
      return Promise.resolve(new Map<number, CommittedOffset>([[0, answer]]));
    },
    isMember: () => Promise.resolve(isMember),
    close() {
      calls.push('close');
      return Promise.resolve();
    },
  };
}

const finishUpTo = (offset: bigint) =>
  assignment.find(PARTITION, assignment.generation)?.finishUpTo(offset);
const commits = () => calls.filter((call) => call.startsWith('commit'));
const offsets = (offset: bigint) => [{ partition: 0, offset }];

test('committed: the offset of the group is still the known one', async () => {
  answers = [5n];
  finishUpTo(10n);
  expect(await committer.commit()).toEqual({ kind: 'committed', offsets: offsets(10n) });
  expect(commits()).toEqual(['commit 10']);
  expect(assignment.commitAgeMs).toBe(0);
  expect(await committer.commit()).toEqual({ kind: 'nothing-pending' });
});

test('offset-changed: the offset of the group has vanished, and nothing is committed', async () => {
  answers = ['none'];
  finishUpTo(10n);
  expect(await committer.commit()).toEqual({ kind: 'offset-changed', partition: 0 });
  expect(commits()).toEqual([]);
});

test.each([
  ['behind the known one', 4n],
  ['ahead of what is finished', 12n],
])('failed: the offset of the group is %s, which may be an old answer', async (_where, offset) => {
  answers = [offset, offset, 5n];
  finishUpTo(10n);
  expect((await committer.commit()).kind).toBe('failed');
  expect(commits()).toEqual([]);
  expect(await committer.commit()).toEqual({ kind: 'committed', offsets: offsets(10n) });
});

test('committed: the previous owner has committed what was not reported when the partition was opened', async () => {
  answers = [7n];
  finishUpTo(10n);
  expect(await committer.commit()).toEqual({ kind: 'committed', offsets: offsets(10n) });
});

test('offset-changed: the answer has not become the known one in ten seconds', async () => {
  jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate'] });
  try {
    answers = [4n];
    finishUpTo(10n);
    expect((await committer.commit()).kind).toBe('failed');
    jest.advanceTimersByTime(9_999);
    expect((await committer.commit()).kind).toBe('failed');
    jest.advanceTimersByTime(1);
    expect(await committer.commit()).toEqual({ kind: 'offset-changed', partition: 0 });
    expect(commits()).toEqual([]);
  } finally {
    jest.useRealTimers();
  }
});

test('an offset that has changed only for one look is not changed', async () => {
  answers = ['none', 5n];
  finishUpTo(10n);
  expect((await committer.commit()).kind).toBe('committed');
  // The second look uses a new connection.
  expect(calls).toEqual(['connect', 'close', 'connect', 'commit 10']);
});

test('no answer about a partition does not mean that nothing is committed', async () => {
  answers = ['no such partition', 'no such partition', 5n];
  finishUpTo(10n);
  expect((await committer.commit()).kind).toBe('failed');
  expect((await committer.commit()).kind).toBe('failed');
  expect(commits()).toEqual([]);
  expect((await committer.commit()).kind).toBe('committed');
});

test('failed: a look that fails commits nothing and leaves the offset to be committed', async () => {
  const error = new Error('the broker is down');
  answers = [error, 5n];
  finishUpTo(10n);
  const outcome = await committer.commit();
  expect(outcome).toEqual({ kind: 'failed', failure: { offsets: offsets(10n), error } });
  expect(commits()).toEqual([]);
  expect((await committer.commit()).kind).toBe('committed');
});

test('failed: a commit without an answer is repeated, and the offset it may have set is not changed', async () => {
  answers = [5n];
  failure = new Error('the connection was closed');
  finishUpTo(10n);
  expect((await committer.commit()).kind).toBe('failed');
  failure = undefined;
  answers = [10n];
  expect((await committer.commit()).kind).toBe('committed');
  finishUpTo(12n);
  expect((await committer.commit()).kind).toBe('committed');
  expect(commits()).toEqual(['commit 10', 'commit 10', 'commit 12']);
});

test('fenced: to a former member another offset is that of its successor', async () => {
  answers = [7n];
  isMember = false;
  finishUpTo(10n);
  expect(await committer.commit()).toEqual({ kind: 'fenced' });
  expect(commits()).toEqual([]);
});

test.each(['ILLEGAL_GENERATION', 'UNKNOWN_MEMBER_ID'])(
  'fenced: the broker rejects a commit with %s',
  async (type) => {
    answers = [5n];
    failure = Object.assign(new Error('rejected'), { type });
    finishUpTo(10n);
    expect(await committer.commit()).toEqual({
      kind: 'fenced',
      failure: { offsets: offsets(10n), error: failure },
    });
  },
);

test('superseded: nothing of an older generation is committed in a newer one', async () => {
  answers = [5n];
  finishUpTo(10n);
  const outcome = committer.commit();
  const next = begin();
  expect(await outcome).toEqual({ kind: 'superseded' });
  expect(await next.commit()).toEqual({ kind: 'nothing-pending' });
  expect(await committer.commit()).toEqual({ kind: 'nothing-pending' });
  expect(commits()).toEqual([]);
});

test('superseded: an answer to a commit of an older generation changes nothing in a newer one', async () => {
  finishUpTo(10n);
  const sent = committer.commitNow();
  begin();
  finishUpTo(8n);
  expect(await sent).toEqual({ kind: 'superseded' });
  const partition = assignment.find(PARTITION, assignment.generation);
  expect([partition?.pending, partition?.committed]).toEqual([8n, 5n]);
});

test('nothing is committed while this process is not a member', async () => {
  assignment.begin([PARTITION], { status: 'fenced' });
  const { generation } = assignment;
  finishUpTo(10n);
  const fenced = new OffsetCommitter({
    topic: 'orders',
    generation,
    assignment,
    group: { connect },
  });
  expect(await fenced.commit()).toEqual({ kind: 'nothing-pending' });
  expect(await fenced.commitNow()).toEqual({ kind: 'nothing-pending' });
  expect(calls).toEqual([]);
});

test('commitNow sends the commit before it returns, without a look', async () => {
  finishUpTo(10n);
  const outcome = committer.commitNow();
  expect(calls).toEqual(['commit 10']);
  expect((await outcome).kind).toBe('committed');
});

describe('five seconds after the last look', () => {
  beforeEach(() => {
    jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate'], now: Date.now() + 5000 });
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  test('commitNow sends nothing', async () => {
    finishUpTo(10n);
    expect(await committer.commitNow()).toEqual({ kind: 'nothing-pending' });
    answers = [5n];
    await committer.commit();
    finishUpTo(12n);
    await committer.commitNow();
    expect(commits()).toEqual(['commit 10', 'commit 12']);
  });
});

test('a commit sends what is finished by the time it is sent', async () => {
  answers = [5n];
  finishUpTo(10n);
  const outcome = committer.commit();
  finishUpTo(15n);
  expect(await outcome).toEqual({ kind: 'committed', offsets: offsets(15n) });
});

test('close waits for the commit in progress', async () => {
  answers = [5n];
  finishUpTo(10n);
  void committer.commit();
  await committer.close();
  expect(calls).toEqual(['connect', 'commit 10', 'close']);
});

test('each topic has its own offsets, and one that cannot be read does not keep the others back', async () => {
  const returned = { topic: 'returns', partition: 0 };
  const commitsOf: string[] = [];
  assignment.begin([PARTITION, returned], {
    status: 'member',
    memberId: 'bridge-1',
    commit(topic, pending) {
      commitsOf.push(
        `${topic} ${pending.map(({ partition, offset }) => `${partition}@${offset}`).join()}`,
      );
      return Promise.resolve();
    },
  });
  const { generation } = assignment;
  const gone = new Error('This server does not host this topic-partition');
  const group = {
    connect: (topic: string) => ({
      ...connect(),
      committed: () =>
        topic === 'returns' ? Promise.reject(gone) : Promise.resolve(new Map([[0, 5n]])),
    }),
  };
  const of = (topic: string) => new OffsetCommitter({ topic, generation, assignment, group });
  for (const one of [PARTITION, returned]) {
    const partition = assignment.find(one, generation);
    partition?.setPosition({ partition: 0, committed: 5n, low: 0n, high: 20n });
    partition?.finishUpTo(one === returned ? 9n : 7n);
  }
  const [ofOrders, ofReturns] = await Promise.all([of('orders').commit(), of('returns').commit()]);
  expect(ofOrders).toEqual({ kind: 'committed', offsets: [{ partition: 0, offset: 7n }] });
  expect(ofReturns).toEqual({
    kind: 'failed',
    failure: { offsets: [{ partition: 0, offset: 9n }], error: gone },
  });
  expect(commitsOf).toEqual(['orders 0@7']);
  expect(assignment.find(returned, generation)?.pending).toBe(9n);
});
