import { isOffset, readPositions } from '../../kafka/group-positions.ts';
import type { KafkaAdmin } from '../../kafka/kafka-client.ts';
import { ofOnlinePartitions } from '../../kafka/patches/offline-partitions.ts';
import { maxOffset, minOffset, type OffsetRange } from '../../kafka/offset-ranges.ts';
import { fetchTopicEnds, partitionsOffline } from '../../kafka/topic-partitions.ts';
import { OperatorError } from '../../program/operator-error.ts';

/** The part of the topic to reconcile. A limit that is left out does not apply. */
export interface RangeRequest {
  readonly partition?: number | undefined;
  readonly from?: bigint | undefined;
  /** Exclusive. Defaults to the group's committed offset if `until` is left out too. */
  readonly to?: bigint | undefined;
  /** Milliseconds since 1970, compared with the messages' timestamps. `until` is exclusive. */
  readonly since?: number | undefined;
  readonly until?: number | undefined;
}

export interface ChosenRanges {
  /** Partition to the offsets to reconcile. */
  readonly ranges: ReadonlyMap<number, OffsetRange>;
  /** Partition to the group's committed offset, where there is one. */
  readonly committed: ReadonlyMap<number, bigint>;
  /** Partition to how many offsets of the requested range are no longer in the log. */
  readonly gone: ReadonlyMap<number, bigint>;
}

/** The part of kafkajs's admin client that this uses. */
export type RangeAdmin = Pick<
  KafkaAdmin,
  'fetchTopicMetadata' | 'fetchTopicOffsets' | 'fetchTopicOffsetsByTimestamp' | 'fetchOffsets'
>;

/**
 * Chooses the offsets of each partition to reconcile. Throws an OperatorError for a partition that does not
 * exist, and when one of the partitions is offline: without it, the result would only look complete.
 */
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
      `use a partition from 0 to ${count - 1}`,
    );
  }
  const missing = offline.filter((one) => one === (request.partition ?? one));
  if (missing.length > 0) throw partitionsOffline(topic, missing);
  /** Checks that no partition is missing from an answer: a leader can be lost between two requests. */
  const complete = <Answer extends { readonly partition: number }>(answers: readonly Answer[]) => {
    const answered = new Set(answers.map(({ partition }) => partition));
    const unanswered = ends
      .map(({ partition }) => partition)
      .filter((one) => one === (request.partition ?? one) && !answered.has(one));
    if (unanswered.length > 0) throw partitionsOffline(topic, unanswered);
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
  // The broker answers in no order.
  const sorted = positions.toSorted((a, b) => a.partition - b.partition);
  for (const position of sorted) {
    const { partition, low, high } = position;
    if (isOffset(position.committed)) committed.set(partition, position.committed);
    if (request.partition !== undefined && request.partition !== partition) continue;
    const requested = {
      from: request.from ?? since?.get(partition) ?? 0n,
      to: request.to ?? until?.get(partition) ?? committed.get(partition) ?? 0n,
    };
    const from = maxOffset(requested.from, low);
    const to = maxOffset(from, minOffset(requested.to, high));
    ranges.set(partition, { from, to });
    if (requested.from < low && request.from !== undefined)
      gone.set(partition, low - requested.from);
    else if (request.from === undefined && since === undefined && low > 0n)
      gone.set(partition, low);
  }
  return { ranges, committed, gone };
}
