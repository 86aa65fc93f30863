import type { PartitionLag } from '../../kafka/lag.ts';

export interface PartitionRate extends PartitionLag {
  /** Offsets committed per second. */
  readonly perSecond: number;
  /** How long the group needs for its lag at this rate; undefined while it commits nothing. */
  readonly drainsInSeconds: number | undefined;
}

/** The rates between two readings that are `seconds` apart. */
export function lagRates(
  before: readonly PartitionLag[],
  now: readonly PartitionLag[],
  seconds: number,
): readonly PartitionRate[] {
  return now.map((partition) => {
    const { committed, lag } = partition;
    const earlier = before.find((one) => one.partition === partition.partition)?.committed;
    const advanced = Number((committed ?? 0n) - (earlier ?? committed ?? 0n));
    // A group whose offsets were reset to earlier ones has not advanced.
    const perSecond = Math.max(0, advanced) / seconds;
    return { ...partition, perSecond, drainsInSeconds: drainsIn(Number(lag), perSecond) };
  });
}

const drainsIn = (lag: number, perSecond: number): number | undefined => {
  if (lag === 0) return 0;
  return perSecond > 0 ? lag / perSecond : undefined;
};

/** When the slowest partition has drained; undefined while any of them commits nothing. */
export const allDrainedIn = (partitions: readonly PartitionRate[]): number | undefined =>
  partitions.reduce<number | undefined>(
    (latest, { drainsInSeconds }) =>
      latest === undefined || drainsInSeconds === undefined
        ? undefined
        : Math.max(latest, drainsInSeconds),
    0,
  );
