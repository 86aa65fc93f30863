import { isOffset, type CommittedOffset } from '../committed-offsets.ts';

/** Where the log of a partition begins and ends, and what the group has committed there. */
export interface PartitionPosition {
  readonly partition: number;
  readonly committed: CommittedOffset;
  /** The oldest offset that is still in the log. */
  readonly low: bigint;
  /** The offset that the next message gets. */
  readonly high: bigint;
}

/** Something happened to the log that the bridge cannot mend, and that nobody must overlook. */
export type LogAnomaly =
  /** Messages that nobody had dealt with were deleted: offsets from `from` (if known) to before `to`. */
  | {
      readonly kind: 'messages-lost';
      readonly partition: number;
      readonly from: bigint | undefined;
      readonly to: bigint;
    }
  /** The log ends before the group's offset or begins anew: it is read from `to` on. */
  | {
      readonly kind: 'log-restarted';
      readonly partition: number;
      readonly from: bigint;
      readonly to: bigint;
    };

/**
 * What the bridge knows of each partition's position: the group's committed offset as far as it
 * knows, and the offset that has to come next. By the first it sees that somebody else has changed
 * the offset, as a deletion of the topic does; by the second that the log has lost messages.
 */
export class PositionLedger {
  readonly #committed = new Map<number, CommittedOffset>();
  /** Sent to the broker without an answer: may have arrived. */
  readonly #attempted = new Map<number, bigint>();
  readonly #next = new Map<number, bigint>();

  /** Forgets where to continue: another membership of the group begins. */
  close(): void {
    this.#next.clear();
    this.#attempted.clear();
  }

  /**
   * Takes over what the broker says of partitions that are ours and not open yet; returns what is
   * wrong about it.
   */
  open(positions: readonly PartitionPosition[]): readonly LogAnomaly[] {
    return positions.flatMap((position) => {
      const { partition, low } = position;
      const trouble = findTrouble(position, this.#committed.get(partition));
      this.#committed.set(partition, position.committed);
      this.#next.set(
        partition,
        trouble || !isOffset(position.committed) ? low : position.committed,
      );
      return trouble ? [trouble] : [];
    });
  }

  /**
   * Keeps what the broker says of partitions that are not ours. If they become ours, kafkajs may have
   * replaced an offset that was out of range before it could be looked at.
   */
  remember(committed: ReadonlyMap<number, CommittedOffset>): void {
    for (const [partition, offset] of committed) {
      if (!this.#next.has(partition)) this.#committed.set(partition, offset);
    }
  }

  /**
   * The offset that has to come next; undefined for a partition that is not ours, and for one of which
   * the broker has said nothing in this membership.
   */
  next(partition: number): bigint | undefined {
    return this.#next.get(partition);
  }

  /** All before `next` has been dealt with, or is known not to exist. */
  moveTo(partition: number, next: bigint): void {
    this.#next.set(partition, next);
  }

  /** Whether this says that an offset has vanished that the group is known to have had. */
  isVanished(partition: number, committed: CommittedOffset): boolean {
    return committed === 'none' && this.isCommitted(partition);
  }

  isCommitted(partition: number): boolean {
    return isOffset(this.#committed.get(partition));
  }

  attempt(partition: number, offset: bigint): void {
    this.#attempted.set(partition, offset);
  }

  confirm(partition: number, offset: bigint): void {
    this.#attempted.delete(partition);
    this.#committed.set(partition, offset);
  }

  /** Whether the broker's committed offset is one that we know of. */
  agrees(partition: number, committed: CommittedOffset): boolean {
    if (committed === this.#committed.get(partition)) return true;
    // kafkajs commits this when an offset is out of range; what is lost is seen in the next batch.
    const isExplained = committed === 'reset' || committed === this.#attempted.get(partition);
    if (isExplained) this.#committed.set(partition, committed);
    return isExplained;
  }
}

function findTrouble(
  { partition, committed, low, high }: PartitionPosition,
  knownBefore: CommittedOffset | undefined,
): LogAnomaly | undefined {
  if (committed === 'none') return undefined;
  // Seen, reported and not yet replaced by an offset of ours.
  if (committed === 'reset' && knownBefore === 'reset') return undefined;
  const from = committed === 'reset' ? knownBefore : committed;
  if (!isOffset(from)) {
    return low > 0n ? { kind: 'messages-lost', partition, from: undefined, to: low } : undefined;
  }
  if (from < low) return { kind: 'messages-lost', partition, from, to: low };
  if (from > high) return { kind: 'log-restarted', partition, from, to: low };
  return undefined;
}
