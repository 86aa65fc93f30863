/** Offsets from `from` up to, but not including, `to`. */
export interface OffsetRange {
  readonly from: bigint;
  readonly to: bigint;
}

/** Where a message is. */
export interface MessagePosition {
  readonly partition: number;
  readonly offset: bigint;
}

/** The smallest range of each partition that has all of these places. */
export function rangesAround(places: readonly MessagePosition[]): ReadonlyMap<number, OffsetRange> {
  const ranges = new Map<number, OffsetRange>();
  for (const { partition, offset } of places) {
    const { from, to } = ranges.get(partition) ?? { from: offset, to: offset };
    ranges.set(partition, {
      from: offset < from ? offset : from,
      to: offset >= to ? offset + 1n : to,
    });
  }
  return ranges;
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
