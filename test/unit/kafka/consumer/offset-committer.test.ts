import type { CommittedOffset } from '../../../../src/kafka/committed-offsets.ts';
import { OffsetCommitter } from '../../../../src/kafka/consumer/offset-committer.ts';
import { PositionLedger } from '../../../../src/kafka/consumer/position-ledger.ts';
import { silentLogger } from '../../../../src/telemetry/logger.ts';

/** What the broker says the group has committed in partition 0; each look takes the next answer. */
let answers: (CommittedOffset | 'no such partition' | Error)[];
let isMember: boolean;
let calls: string[];
/** How commits end. */
let failure: Error | undefined;
let committer: OffsetCommitter;
beforeEach(() => {
  answers = [];
  isMember = true;
  calls = [];
  failure = undefined;
  const ledger = new PositionLedger();
  ledger.open([{ partition: 0, committed: 5n, low: 0n, high: 20n }]);
  committer = new OffsetCommitter({
    group: {
      connect: () => ({
        committed() {
          const answer = answers.length > 1 ? answers.shift() : answers[0];
          if (answer instanceof Error) return Promise.reject(answer);
          if (answer === undefined || answer === 'no such partition') {
            return Promise.resolve(new Map());
          }
          return Promise.resolve(new Map([[0, answer]]));
        },
        isMember: () => Promise.resolve(isMember),
        close: () => Promise.resolve(),
      }),
    },
    topic: 'orders',
    ledger,
    logger: silentLogger(),
    onForeignOffset: (partition) => calls.push(`foreign offset of ${partition}`),
    onExpelled: () => calls.push('expelled'),
  });
  open();
});

const open = () => {
  committer.openEpoch({
    memberId: 'bridge-1',
    commit(offsets) {
      calls.push(`commit ${offsets?.topics[0]?.partitions[0]?.offset ?? ''}`);
      return failure ? Promise.reject(failure) : Promise.resolve();
    },
  });
};

test('an offset is committed when that of the group is still the known one', async () => {
  answers = [5n];
  committer.add(0, 10n);
  await committer.flush();
  expect(calls).toEqual(['commit 10']);
  expect(committer.ageMs).toBe(0);
});

test('another offset than the known one is foreign, and nothing is committed', async () => {
  answers = [7n];
  committer.add(0, 10n);
  await committer.flush();
  expect(calls).toEqual(['foreign offset of 0']);
});

test('an offset that has changed for one look only is not foreign', async () => {
  answers = ['none', 5n];
  committer.add(0, 10n);
  await committer.flush();
  expect(calls).toEqual(['commit 10']);
});

test('no answer about a partition is not the answer that nothing is committed', async () => {
  answers = ['no such partition', 'no such partition', 5n];
  committer.add(0, 10n);
  await committer.flush();
  expect(calls).toEqual([]);
  await committer.flush();
  await committer.flush();
  expect(calls).toEqual(['commit 10']);
});

test('a look that fails commits nothing, and keeps what is to be committed', async () => {
  answers = [new Error('the broker is down'), 5n];
  committer.add(0, 10n);
  await committer.flush();
  expect(calls).toEqual([]);
  await committer.flush();
  expect(calls).toEqual(['commit 10']);
});

test('what an attempt without an answer may have committed is not foreign', async () => {
  answers = [5n];
  failure = new Error('the connection was closed');
  committer.add(0, 10n);
  await committer.flush();
  failure = undefined;
  answers = [10n];
  committer.add(0, 12n);
  await committer.flush();
  expect(calls).toEqual(['commit 10', 'commit 12']);
});

test('who is no longer a member takes another offset for that of a successor', async () => {
  answers = [7n];
  isMember = false;
  committer.add(0, 10n);
  await committer.flush();
  expect(calls).toEqual(['expelled']);
});

test('a commit that the broker refuses for its generation ends the membership', async () => {
  answers = [5n];
  failure = Object.assign(new Error('refused'), { type: 'ILLEGAL_GENERATION' });
  committer.add(0, 10n);
  await committer.flush();
  expect(calls).toEqual(['commit 10', 'expelled']);
});

test('nothing of an older membership is committed in a later one', async () => {
  answers = [5n];
  committer.add(0, 10n);
  const flushed = committer.flush();
  open();
  await flushed;
  await committer.flush();
  expect(calls).toEqual([]);
});

test('nothing is committed without a membership', async () => {
  answers = [5n];
  committer.openEpoch(undefined);
  committer.add(0, 10n);
  await committer.flush();
  expect(calls).toEqual([]);
});

test('flushes that wait for their turn are one', async () => {
  answers = [5n];
  failure = new Error('the broker is down');
  committer.add(0, 10n);
  const first = committer.flush();
  await Promise.all([first, ...Array.from({ length: 20 }, () => committer.flush())]);
  expect(calls).toEqual(['commit 10']);
});
