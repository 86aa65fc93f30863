import { setMaxListeners } from 'node:events';
import type { Kafka } from 'kafkajs';
import pRetry from 'p-retry';
import { describeError } from '../program/operator-error.ts';
import { askBroker } from './ask-broker.ts';
import type { OffsetCommitter } from './offset-committer.ts';
import type { LogTrouble, PositionLedger } from './position-ledger.ts';
import { readPositions } from './read-positions.ts';

export interface MembershipOptions {
  readonly kafka: Kafka;
  readonly topic: string;
  readonly groupId: string;
  /** What the broker calls this member; empty when it is none. */
  readonly memberId: string;
  readonly ledger: PositionLedger;
  readonly committer: OffsetCommitter;
  readonly onTrouble: (trouble: LogTrouble) => void;
  /** Fetches the partition again, from this offset on. */
  readonly seek: (partition: number, offset: bigint) => void;
}

/**
 * One membership of the consumer group, from a join to the next: an **epoch**. A batch belongs to the
 * epoch in which it was fetched; what it reports in a later one is ignored, also when the partition
 * came back. Without that, a consumer that rejoins underneath a running batch would commit the old
 * batch's offsets with the new membership (kafkajs#1046).
 *
 * Within an epoch each batch has to follow the one before: a jump means that the log has lost
 * messages, and is reported.
 */
export class Membership {
  readonly #options: MembershipOptions;
  readonly partitions: ReadonlySet<number>;
  readonly #left = new AbortController();
  /** Resolves when the ledger has the positions of this epoch. */
  #opened: Promise<void> | undefined;

  constructor(options: MembershipOptions, partitions: readonly number[]) {
    this.#options = options;
    this.partitions = new Set(partitions);
    // Each batch in hand listens, one for every partition.
    setMaxListeners(0, this.#left.signal);
  }

  get memberId(): string {
    return this.#options.memberId;
  }

  /** Aborted when the epoch ends. */
  get lost(): AbortSignal {
    return this.#left.signal;
  }

  end(): void {
    this.#left.abort();
  }

  owns(partition: number): boolean {
    return this.partitions.has(partition);
  }

  /**
   * Whether a batch that was fetched from this offset is the one to go on with. Reports what has been
   * lost before it. Throws a plain error when the broker cannot be asked: kafkajs then fetches again.
   */
  async isNext(partition: number, fetched: bigint): Promise<boolean> {
    const { kafka, topic, ledger, onTrouble, seek } = this.#options;
    try {
      await this.#open();
      if (this.#hasEnded()) return false;
      const expected = ledger.next(partition) ?? 0n;
      if (fetched === expected) {
        // So that there is an offset of the group's that cannot vanish unseen.
        if (!ledger.isCommitted(partition)) this.moveTo(partition, fetched);
        return true;
      }
      const ends = await askBroker(kafka, (admin) => admin.fetchTopicOffsets(topic));
      if (this.#hasEnded()) return false;
      const end = ends.find((candidate) => candidate.partition === partition);
      if (end && BigInt(end.low) > expected) {
        onTrouble({ kind: 'messages-lost', partition, from: expected, to: BigInt(end.low) });
        this.moveTo(partition, BigInt(end.low));
        return fetched === BigInt(end.low);
      }
      if (end && BigInt(end.high) < expected) {
        onTrouble({ kind: 'log-restarted', partition, from: expected, to: BigInt(end.low) });
        this.moveTo(partition, BigInt(end.low));
        return fetched === BigInt(end.low);
      }
      // Asked for in an older membership, from where that was.
      seek(partition, expected);
      return false;
    } catch (error) {
      throw new Error(`the group's position is unknown: ${describeError(error)}`, { cause: error });
    }
  }

  /** Fetches every partition from where the group is, for whom what was fetched before is void. */
  async seekToPositions(): Promise<void> {
    const { ledger, seek } = this.#options;
    await pRetry(() => this.#open(), { retries: Infinity, maxTimeout: 5000, signal: this.lost });
    if (this.#hasEnded()) return;
    for (const partition of this.partitions) seek(partition, ledger.next(partition) ?? 0n);
  }

  /** All before `next` is dealt with, or gone: it will be committed soon. */
  moveTo(partition: number, next: bigint): void {
    this.#options.ledger.moveTo(partition, next);
    this.#options.committer.add(partition, next);
  }

  /** Moves past a batch in which there was nothing but control records and aborted messages. */
  async skipInvisible(partition: number, lastOffset: bigint): Promise<void> {
    if (!this.owns(partition)) return;
    try {
      await this.#open();
    } catch {
      // The next batch asks again, and then has this one fetched again.
      return;
    }
    const next = lastOffset + 1n;
    if (!this.#hasEnded() && next > (this.#options.ledger.next(partition) ?? next)) {
      this.moveTo(partition, next);
    }
  }

  #hasEnded(): boolean {
    return this.#left.signal.aborted;
  }

  #open(): Promise<void> {
    this.#opened ??= this.#readPositions().catch((error: unknown) => {
      this.#opened = undefined;
      throw error;
    });
    return this.#opened;
  }

  async #readPositions(): Promise<void> {
    const { kafka, groupId, topic, ledger, onTrouble } = this.#options;
    const positions = await askBroker(kafka, (admin) => readPositions(admin, groupId, topic));
    if (this.#hasEnded()) return;
    ledger.open(positions.filter(({ partition }) => this.owns(partition))).forEach(onTrouble);
  }
}
