import type { PartitionEnds } from './topic-partitions.ts';

/** Offsets from `from` up to, but not including, `to`. */
export interface OffsetRange {
  readonly from: bigint;
  readonly to: bigint;
}

/** The position of a message in its topic. */
export interface MessagePosition {
  readonly partition: number;
  readonly offset: bigint;
}

/** The position of a message, with its topic. */
export interface TopicPosition extends MessagePosition {
  readonly topic: string;
}

/** The smallest range of each partition that covers all of these positions. */
export function rangesAround(
  positions: readonly MessagePosition[],
): ReadonlyMap<number, OffsetRange> {
  const ranges = new Map<number, OffsetRange>();
  for (const { partition, offset } of positions) {
    const { from, to } = ranges.get(partition) ?? { from: offset, to: offset };
    ranges.set(partition, {
      from: offset < from ? offset : from,
      to: offset >= to ? offset + 1n : to,
    });
  }
  return ranges;
}

export function isWithin(
  ranges: ReadonlyMap<number, OffsetRange>,
  { partition, offset }: MessagePosition,
): boolean {
  const range = ranges.get(partition);
  return range !== undefined && offset >= range.from && offset < range.to;
}

/** The range of each partition that lies within the log, the starts and the limits. */
export function topicRanges(
  ends: readonly PartitionEnds[],
  starts: readonly { readonly partition: number; readonly offset: string }[] = [],
  within?: ReadonlyMap<number, OffsetRange>,
): ReadonlyMap<number, OffsetRange> {
  const startOf = new Map(starts.map(({ partition, offset }) => [partition, BigInt(offset)]));
  const ranges = new Map<number, OffsetRange>();
  for (const { partition, low, high } of ends) {
    const limits = within ? within.get(partition) : { from: 0n, to: BigInt(high) };
    if (!limits) continue;
    ranges.set(partition, {
      from: maxOffset(BigInt(low), startOf.get(partition) ?? 0n, limits.from),
      to: minOffset(BigInt(high), limits.to),
    });
  }
  return ranges;
}

export const maxOffset = (...offsets: readonly [bigint, ...bigint[]]): bigint =>
  offsets.reduce((a, b) => (a > b ? a : b));
export const minOffset = (a: bigint, b: bigint): bigint => (a < b ? a : b);
