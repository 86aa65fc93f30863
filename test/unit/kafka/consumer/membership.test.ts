import { Membership } from '../../../../src/kafka/consumer/membership.ts';
import {
  PositionLedger,
  type LogAnomaly,
  type PartitionPosition,
} from '../../../../src/kafka/consumer/position-ledger.ts';

/** What the broker says of the partitions that are online; each question takes the next answer. */
let answers: (readonly PartitionPosition[] | Error)[];
let questions: number;
let troubles: LogAnomaly[];
let seeks: (readonly [partition: number, offset: bigint])[];
let toCommit: Map<number, bigint>;
let ledger: PositionLedger;
beforeEach(() => {
  answers = [];
  questions = 0;
  troubles = [];
  seeks = [];
  toCommit = new Map();
  ledger = new PositionLedger();
});

const at = (
  partition: number,
  committed: PartitionPosition['committed'],
  low = 0n,
  high = 1000n,
): PartitionPosition => ({ partition, committed, low, high });

const join = (...partitions: readonly number[]) =>
  new Membership(
    {
      group: {
        positions() {
          questions += 1;
          const answer = answers.length > 1 ? answers.shift() : answers[0];
          return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer ?? []);
        },
      },
      generation: undefined,
      ledger,
      committer: { add: (partition, offset) => void toCommit.set(partition, offset) },
      onLogAnomaly: (trouble) => troubles.push(trouble),
      seek: (partition, offset) => seeks.push([partition, offset]),
    },
    partitions,
  );

test('a batch that begins where the group is is the next one', async () => {
  answers = [[at(0, 10n)]];
  expect(await join(0).isNext(0, 10n)).toBe(true);
  expect(questions).toBe(1);
  expect([troubles, seeks]).toEqual([[], []]);
});

test('one that begins elsewhere is fetched again from where the group is', async () => {
  answers = [[at(0, 10n)]];
  expect(await join(0).isNext(0, 30n)).toBe(false);
  expect(seeks).toEqual([[0, 10n]]);
  expect(toCommit.size).toBe(0);
});

test('a partition that had no leader when the group was joined is opened by its first batch', async () => {
  answers = [[at(0, 10n)], [at(0, 10n), at(1, 500n)]];
  const membership = join(0, 1);
  expect(await membership.isNext(0, 10n)).toBe(true);
  membership.moveTo(0, 20n);
  expect(await membership.isNext(1, 500n)).toBe(true);
  // What the others have done meanwhile stays.
  expect(await membership.isNext(0, 20n)).toBe(true);
  expect([troubles, seeks]).toEqual([[], []]);
});

test('seeking to the positions leaves partitions alone that have no leader', async () => {
  answers = [[at(0, 10n)]];
  await join(0, 1).seekToPositions();
  expect(seeks).toEqual([[0, 10n]]);
});

test('a partition that still does not answer is an error that has its batch fetched again', async () => {
  answers = [[at(0, 10n)]];
  await expect(join(0, 1).isNext(1, 0n)).rejects.toThrow('position is unknown');
  answers = [new Error('the broker is down')];
  await expect(join(0).isNext(0, 0n)).rejects.toThrow('the broker is down');
});

test('aborted messages at the beginning of a log are committed, although nothing was before', async () => {
  answers = [[at(0, 'none')]];
  await join(0).skipInvisible(0, 0n, 4n);
  expect(toCommit).toEqual(new Map([[0, 5n]]));
  expect(ledger.next(0)).toBe(5n);
});

test('messages that were deleted are reported when what follows is aborted, and only once', async () => {
  answers = [[at(0, 10n)], [at(0, 10n, 25n)]];
  const membership = join(0);
  expect(await membership.isNext(0, 10n)).toBe(true);
  // kafkajs fetches the next batch while the first one is still looked at.
  const [, isNext] = await Promise.all([
    membership.skipInvisible(0, 25n, 29n),
    membership.isNext(0, 30n),
  ]);
  expect(isNext).toBe(true);
  expect(troubles).toEqual([{ kind: 'messages-lost', partition: 0, from: 10n, to: 25n }]);
  expect(toCommit).toEqual(new Map([[0, 30n]]));
});

test('messages deleted before the group was joined are reported when what follows is aborted', async () => {
  answers = [[at(0, 10n, 25n)]];
  await join(0).skipInvisible(0, 25n, 29n);
  expect(troubles).toEqual([{ kind: 'messages-lost', partition: 0, from: 10n, to: 25n }]);
  expect(toCommit).toEqual(new Map([[0, 30n]]));
});

test('aborted messages that were fetched beyond the position do not move it', async () => {
  answers = [[at(0, 30n)]];
  await join(0).skipInvisible(0, 50n, 59n);
  expect(toCommit.size).toBe(0);
  expect(seeks).toEqual([[0, 30n]]);
});

test('aborted messages of a membership that has ended move nothing', async () => {
  answers = [[at(0, 10n)]];
  const membership = join(0);
  const skipped = membership.skipInvisible(0, 10n, 19n);
  membership.end();
  await skipped;
  expect(toCommit.size).toBe(0);
});

test('a log that begins again is reported and read from its first message', async () => {
  answers = [[at(0, 100n)], [at(0, 'none', 0n, 20n)]];
  const membership = join(0);
  expect(await membership.isNext(0, 100n)).toBe(true);
  expect(await membership.isNext(0, 0n)).toBe(true);
  expect(troubles).toEqual([{ kind: 'log-restarted', partition: 0, from: 100n, to: 0n }]);
});

test('an offset that has vanished is believed only at the second word', async () => {
  ledger.remember(new Map([[0, 700n]]));
  answers = [[at(0, 'none')], [at(0, 700n)]];
  expect(await join(0).isNext(0, 700n)).toBe(true);
  expect(seeks).toEqual([]);
  ledger.remember(new Map([[0, 700n]]));
  answers = [[at(0, 'none')]];
  expect(await join(0).isNext(0, 0n)).toBe(true);
});
