import type { Kafka } from 'kafkajs';
import { askBroker } from './ask-broker.ts';
import { ofOnlinePartitions } from './patches/offline-partitions.ts';
import { readRanges, type OffsetRange, type RangeBatch } from './read-ranges.ts';
import { fetchAllTopicEnds } from './topic-partitions.ts';

export interface TopicPart {
  /**
   * Leaves out what comes before the first message of a partition that has this timestamp or a later
   * one: milliseconds since 1970. Later messages may have an earlier timestamp.
   */
  readonly since?: number;
  /** Partition to offsets; what is not among them is left out. */
  readonly within?: ReadonlyMap<number, OffsetRange>;
  /** Ends the reading early, without an error. */
  readonly signal?: AbortSignal;
}

/**
 * Reads a topic, or a part of it, from its oldest message to its present end. See `readRanges`. Throws
 * an OperatorError when a partition is offline.
 */
export async function readWholeTopic(
  kafka: Kafka,
  topic: string,
  groupPrefix: string,
  onBatch: (batch: RangeBatch) => Promise<void>,
  { since, within, signal }: TopicPart = {},
): Promise<void> {
  const ranges = await askBroker(kafka, async (admin) => {
    // First of all: what is written meanwhile is then after it, and before the end.
    const starts =
      since === undefined
        ? []
        : await ofOnlinePartitions(() => admin.fetchTopicOffsetsByTimestamp(topic, since));
    return topicRanges(await fetchAllTopicEnds(admin, topic), starts, within);
  });
  await readRanges({ kafka, topic, ranges, groupPrefix, ...(signal ? { signal } : {}) }, onBatch);
}

/** The offsets of each partition that all of the limits leave. */
export function topicRanges(
  ends: readonly { readonly partition: number; readonly low: string; readonly high: string }[],
  starts: readonly { readonly partition: number; readonly offset: string }[] = [],
  within?: ReadonlyMap<number, OffsetRange>,
): ReadonlyMap<number, OffsetRange> {
  const startOf = new Map(starts.map(({ partition, offset }) => [partition, BigInt(offset)]));
  const ranges = new Map<number, OffsetRange>();
  for (const { partition, low, high } of ends) {
    const limits = within ? within.get(partition) : { from: 0n, to: BigInt(high) };
    if (!limits) continue;
    ranges.set(partition, {
      from: max(BigInt(low), startOf.get(partition) ?? 0n, limits.from),
      to: min(BigInt(high), limits.to),
    });
  }
  return ranges;
}

const max = (...numbers: readonly bigint[]) => numbers.reduce((a, b) => (a > b ? a : b));
const min = (a: bigint, b: bigint) => (a < b ? a : b);
