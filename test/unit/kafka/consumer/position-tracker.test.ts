import { Assignment } from '../../../../src/kafka/consumer/assignment.ts';
import type { LogAnomaly } from '../../../../src/kafka/consumer/consumed-message.ts';
import type { Partition } from '../../../../src/kafka/consumer/partition.ts';
import type { PartitionPosition } from '../../../../src/kafka/group-positions.ts';
import { PositionTracker } from '../../../../src/kafka/consumer/position-tracker.ts';

/** What the broker reports about the partitions that are online; each request takes the next answer. */
let answers: (readonly PartitionPosition[] | Error)[];
let requests: number;
let anomalies: LogAnomaly[];
let assignment: Assignment;
beforeEach(() => {
  answers = [];
  requests = 0;
  anomalies = [];
  assignment = new Assignment();
});

const at = (
  partition: number,
  committed: PartitionPosition['committed'],
  low = 0n,
  high = 1000n,
): PartitionPosition => ({ partition, committed, low, high });

/** Begins a generation with these partitions. */
function join(...partitions: readonly number[]): PositionTracker {
  assignment.begin(
    partitions.map((number) => ({ topic: 'orders', partition: number })),
    {
      status: 'member',
      memberId: 'bridge-1',
      commit: () => Promise.resolve(),
    },
  );
  return new PositionTracker({
    topic: 'orders',
    generation: assignment.generation,
    assignment,
    group: {
      positions() {
        requests += 1;
        const answer = answers.length > 1 ? answers.shift() : answers[0];
        return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer ?? []);
      },
    },
    onLogAnomaly: (anomaly) => anomalies.push(anomaly),
  });
}

const partition = (id: number): Partition | undefined =>
  assignment.find({ topic: 'orders', partition: id }, assignment.generation);

const EXPECTED = { kind: 'expected' };
const REVOKED = { kind: 'revoked' };

test('a batch that begins at the committed offset is expected', async () => {
  answers = [[at(0, 10n)]];
  expect(await join(0).check(0, 10n)).toEqual(EXPECTED);
  expect(requests).toBe(1);
  expect(anomalies).toEqual([]);
});

test('a batch that begins elsewhere is fetched again from the committed offset', async () => {
  answers = [[at(0, 10n)]];
  expect(await join(0).check(0, 30n)).toEqual({ kind: 'refetch', from: 10n });
  expect(partition(0)?.pending).toBeUndefined();
});

test('a batch of a partition that is not assigned is ignored, without a request', async () => {
  expect(await join(0).check(1, 10n)).toEqual(REVOKED);
  expect(requests).toBe(0);
});

test('a batch is ignored if a new generation begins while it is checked', async () => {
  answers = [[at(0, 10n)]];
  const tracker = join(0);
  const check = tracker.check(0, 10n);
  join(0);
  expect(await check).toEqual(REVOKED);
  // Nothing was opened by the answer to the older generation.
  expect(partition(0)?.hasPosition).toBe(false);
  const refetch = tracker.check(0, 30n);
  expect(await refetch).toEqual(REVOKED);
});

test('a partition that has no leader at the join is opened by its first batch', async () => {
  answers = [[at(0, 10n)], [at(0, 10n), at(1, 500n)]];
  const tracker = join(0, 1);
  expect(await tracker.check(0, 10n)).toEqual(EXPECTED);
  partition(0)?.finishUpTo(20n);
  expect(await tracker.check(1, 500n)).toEqual(EXPECTED);
  // The progress of the other partition stays.
  expect(await tracker.check(0, 20n)).toEqual(EXPECTED);
  expect(anomalies).toEqual([]);
});

test('partitions that are opened at the same time share one request', async () => {
  answers = [[at(0, 10n), at(1, 20n)]];
  const tracker = join(0, 1);
  await Promise.all([tracker.check(0, 10n), tracker.check(1, 20n)]);
  expect(requests).toBe(1);
});

test('starting offsets are those of the partitions that have a leader', async () => {
  answers = [[at(0, 10n)]];
  expect(await join(0, 1).startingOffsets()).toEqual(new Map([[0, 10n]]));
});

test('starting offsets are requested until the broker answers, or the generation ends', async () => {
  answers = [new Error('the broker is down'), [at(0, 10n)]];
  expect(await join(0).startingOffsets()).toEqual(new Map([[0, 10n]]));
  answers = [new Error('the broker is down')];
  const offsets = join(0).startingOffsets();
  join(0);
  await expect(offsets).rejects.toThrow();
});

test('a partition whose position is unknown is an error, after which its batch is fetched again', async () => {
  answers = [[at(0, 10n)]];
  await expect(join(0, 1).check(1, 0n)).rejects.toThrow(/position of partition 1/);
  answers = [new Error('the broker is down')];
  await expect(join(0).check(0, 0n)).rejects.toThrow('the broker is down');
});

test('aborted messages at the beginning of a log are committed, although nothing was before', async () => {
  answers = [[at(0, 'none')]];
  expect(await join(0).skip(0, 0n, 4n)).toEqual(EXPECTED);
  expect([partition(0)?.next, partition(0)?.pending]).toEqual([5n, 5n]);
});

test('messages that were deleted are reported once, also if aborted messages follow them', async () => {
  answers = [[at(0, 10n)], [at(0, 10n, 25n)]];
  const tracker = join(0);
  expect(await tracker.check(0, 10n)).toEqual(EXPECTED);
  // kafkajs fetches the next batch while the first one is being checked.
  const [, next] = await Promise.all([tracker.skip(0, 25n, 29n), tracker.check(0, 30n)]);
  expect(next).toEqual(EXPECTED);
  expect(anomalies).toEqual([
    { kind: 'messages-lost', topic: 'orders', partition: 0, from: 10n, to: 25n },
  ]);
  expect(partition(0)?.pending).toBe(30n);
});

test('messages that were deleted before the join are reported, also if aborted messages follow them', async () => {
  answers = [[at(0, 10n, 25n)]];
  await join(0).skip(0, 25n, 29n);
  expect(anomalies).toEqual([
    { kind: 'messages-lost', topic: 'orders', partition: 0, from: 10n, to: 25n },
  ]);
  expect(partition(0)?.pending).toBe(30n);
});

test('aborted messages that were fetched beyond the position do not move it', async () => {
  answers = [[at(0, 30n)]];
  expect(await join(0).skip(0, 50n, 59n)).toEqual({ kind: 'refetch', from: 30n });
  expect(partition(0)?.pending).toBeUndefined();
});

test('aborted messages of an older generation move nothing', async () => {
  answers = [[at(0, 10n)]];
  const skipped = join(0).skip(0, 10n, 19n);
  join(0);
  expect(await skipped).toEqual(REVOKED);
  expect(partition(0)?.pending).toBeUndefined();
});

test('a log that was recreated is reported and read from its first message', async () => {
  answers = [[at(0, 100n)], [at(0, 'none', 0n, 20n)]];
  const tracker = join(0);
  expect(await tracker.check(0, 100n)).toEqual(EXPECTED);
  expect(await tracker.check(0, 0n)).toEqual(EXPECTED);
  expect(anomalies).toEqual([
    { kind: 'log-restarted', topic: 'orders', partition: 0, from: 100n, to: 0n },
  ]);
});

test('an offset that has vanished is believed only after a second look', async () => {
  assignment.observe('orders', new Map([[0, 700n]]));
  answers = [[at(0, 'none')], [at(0, 700n)]];
  expect(await join(0).check(0, 700n)).toEqual(EXPECTED);
  answers = [[at(0, 'none')]];
  expect(await join(0).check(0, 0n)).toEqual(EXPECTED);
});
