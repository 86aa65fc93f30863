import { isOffset, readPositions } from '../../kafka/group-positions.ts';
import type { KafkaAdmin } from '../../kafka/kafka-client.ts';
import { ofOnlinePartitions } from '../../kafka/patches/offline-partitions.ts';
import type { OffsetRange } from '../../kafka/offset-ranges.ts';
import { fetchTopicEnds, partitionsOffline } from '../../kafka/topic-partitions.ts';
import { OperatorError } from '../../program/operator-error.ts';

/** What part of the topic somebody asks about. All that is left out is unlimited. */
export interface RangeRequest {
  readonly partition?: number | undefined;
  readonly from?: bigint | undefined;
  /** Not included. The group's committed offset if neither this nor `until` is given. */
  readonly to?: bigint | undefined;
  /** Milliseconds since 1970, by the messages' own time. */
  readonly since?: number | undefined;
  readonly until?: number | undefined;
}

export interface ChosenRanges {
  readonly ranges: ReadonlyMap<number, OffsetRange>;
  readonly committed: ReadonlyMap<number, bigint>;
  /** Partition to how many offsets of the range are no longer in the log. */
  readonly gone: ReadonlyMap<number, bigint>;
}

/** What this asks of kafkajs's admin client. */
export type RangeAdmin = Pick<
  KafkaAdmin,
  'fetchTopicMetadata' | 'fetchTopicOffsets' | 'fetchTopicOffsetsByTimestamp' | 'fetchOffsets'
>;

/** Settles the offsets of each partition. Throws an OperatorError for a partition that is not there. */
export async function chooseRanges(
  admin: RangeAdmin,
  { groupId, topic }: { readonly groupId: string; readonly topic: string },
  request: RangeRequest,
): Promise<ChosenRanges> {
  const { ends, offline } = await fetchTopicEnds(admin, topic);
  const count = ends.length + offline.length;
  if (request.partition !== undefined && request.partition >= count) {
    throw new OperatorError(
      'PARTITION_NOT_FOUND',
      `"${topic}" has no partition ${request.partition}`,
      `give one from 0 to ${count - 1}`,
    );
  }
  // An account that leaves a partition out would look complete.
  const missing = offline.filter((one) => one === (request.partition ?? one));
  if (missing.length > 0) throw partitionsOffline(topic, missing);
  /** Every answer has to be about all of them: a leader can be lost between two questions. */
  const complete = <Answer extends { readonly partition: number }>(answers: readonly Answer[]) => {
    const answered = new Set(answers.map(({ partition }) => partition));
    const left = ends
      .map(({ partition }) => partition)
      .filter((one) => one === (request.partition ?? one) && !answered.has(one));
    if (left.length > 0) throw partitionsOffline(topic, left);
    return answers;
  };
  const positions = complete(await ofOnlinePartitions(() => readPositions(admin, groupId, topic)));
  const offsetsAt = async (time: number | undefined) =>
    time === undefined
      ? undefined
      : new Map(
          complete(
            await ofOnlinePartitions(() => admin.fetchTopicOffsetsByTimestamp(topic, time)),
          ).map(({ partition, offset }) => [partition, BigInt(offset)]),
        );
  const since = await offsetsAt(request.since);
  const until = await offsetsAt(request.until);
  const ranges = new Map<number, OffsetRange>();
  const committed = new Map<number, bigint>();
  const gone = new Map<number, bigint>();
  for (const position of positions) {
    const { partition, low, high } = position;
    if (isOffset(position.committed)) committed.set(partition, position.committed);
    if (request.partition !== undefined && request.partition !== partition) continue;
    const asked = {
      from: request.from ?? since?.get(partition) ?? 0n,
      to: request.to ?? until?.get(partition) ?? committed.get(partition) ?? 0n,
    };
    const from = max(asked.from, low);
    const to = max(from, min(asked.to, high));
    ranges.set(partition, { from, to });
    if (asked.from < low && request.from !== undefined) gone.set(partition, low - asked.from);
    else if (request.from === undefined && since === undefined && low > 0n)
      gone.set(partition, low);
  }
  return { ranges, committed, gone };
}

const max = (a: bigint, b: bigint) => (a > b ? a : b);
const min = (a: bigint, b: bigint) => (a < b ? a : b);
