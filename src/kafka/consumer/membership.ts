import { setMaxListeners } from 'node:events';
import pRetry from 'p-retry';
import { describeError } from '../../program/operator-error.ts';
import type { GroupClient } from './group-client.ts';
import type { CommitOnce, OffsetCommitter } from './offset-committer.ts';
import type { LogAnomaly, PartitionPosition, PositionLedger } from './position-ledger.ts';

/** What the broker calls this member, and how it commits in the generation that it has joined. */
export interface Generation {
  readonly memberId: string;
  readonly commit: CommitOnce;
}

export interface MembershipOptions {
  readonly group: Pick<GroupClient, 'positions'>;
  /** Undefined while this is no member. */
  readonly generation: Generation | undefined;
  readonly ledger: PositionLedger;
  readonly committer: Pick<OffsetCommitter, 'add'>;
  readonly onLogAnomaly: (trouble: LogAnomaly) => void;
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
  /** Resolves when the ledger has the positions that the broker has told. */
  #opening: Promise<void> | undefined;
  readonly #turns = new Map<number, Promise<unknown>>();

  constructor(options: MembershipOptions, partitions: readonly number[]) {
    this.#options = options;
    this.partitions = new Set(partitions);
    options.ledger.close();
    // Each batch in hand listens, one for every partition.
    setMaxListeners(0, this.#left.signal);
  }

  get generation(): Generation | undefined {
    return this.#options.generation;
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
   * Whether a batch that was fetched from this offset is the one to continue with. Reports what has been
   * lost before it. Throws a plain error when the broker cannot be asked: kafkajs then fetches again.
   */
  isNext(partition: number, fetched: bigint): Promise<boolean> {
    return this.#inTurn(partition, () => this.#check(partition, fetched));
  }

  /** Fetches again from where the group is: what was fetched before is void. */
  async seekToPositions(): Promise<void> {
    const { ledger, seek } = this.#options;
    await pRetry(() => this.#read(), { retries: Infinity, maxTimeout: 5000, signal: this.lost });
    if (this.#hasEnded()) return;
    for (const partition of this.partitions) {
      const next = ledger.next(partition);
      // A partition that is offline is looked at when its first batch comes.
      if (next !== undefined) seek(partition, next);
    }
  }

  /** All before `next` is dealt with, or gone: it will be committed soon. */
  moveTo(partition: number, next: bigint): void {
    this.#options.ledger.moveTo(partition, next);
    this.#options.committer.add(partition, next);
  }

  /**
   * Moves past a batch in which there is nothing but control records and aborted messages, as kafkajs
   * does, and reports what has been lost before it.
   */
  async skipInvisible(partition: number, fetched: bigint, lastOffset: bigint): Promise<void> {
    if (!this.owns(partition)) return;
    try {
      await this.#inTurn(partition, async () => {
        if (await this.#check(partition, fetched)) this.moveTo(partition, lastOffset + 1n);
      });
    } catch {
      // The next batch is not the expected one then, asks again, and has this one fetched again.
    }
  }

  async #check(partition: number, fetched: bigint): Promise<boolean> {
    const { group, ledger, onLogAnomaly: onTrouble, seek } = this.#options;
    try {
      await this.#open(partition);
      if (this.#hasEnded()) return false;
      const expected = ledger.next(partition);
      if (expected === undefined) throw new Error(`partition ${partition} does not answer`);
      if (fetched === expected) {
        // So that there is an offset of the group's that cannot vanish unseen.
        if (!ledger.isCommitted(partition)) this.moveTo(partition, fetched);
        return true;
      }
      const positions = await group.positions();
      if (this.#hasEnded()) return false;
      const log = positions.find((candidate) => candidate.partition === partition);
      if (log && log.low > expected) {
        onTrouble({ kind: 'messages-lost', partition, from: expected, to: log.low });
        this.moveTo(partition, log.low);
        if (fetched === log.low) return true;
      } else if (log && log.high < expected) {
        onTrouble({ kind: 'log-restarted', partition, from: expected, to: log.low });
        this.moveTo(partition, log.low);
        if (fetched === log.low) return true;
      }
      // Asked for in an older membership, from where that was, or before the log was cut.
      seek(partition, ledger.next(partition) ?? expected);
      return false;
    } catch (error) {
      throw new Error(`the group's position is unknown: ${describeError(error)}`, { cause: error });
    }
  }

  /** kafkajs fetches the next batch while an invisible one is still looked at. */
  #inTurn<Result>(partition: number, work: () => Promise<Result>): Promise<Result> {
    const result = (this.#turns.get(partition) ?? Promise.resolve()).then(work);
    this.#turns.set(
      partition,
      result.catch(() => undefined),
    );
    return result;
  }

  #hasEnded(): boolean {
    return this.#left.signal.aborted;
  }

  async #open(partition: number): Promise<void> {
    // The first batch of a partition that had no leader comes later than those of the others.
    if (this.#options.ledger.next(partition) === undefined) await this.#read();
  }

  #read(): Promise<void> {
    this.#opening ??= this.#readPositions().finally(() => (this.#opening = undefined));
    return this.#opening;
  }

  async #readPositions(): Promise<void> {
    const { ledger, onLogAnomaly: onTrouble } = this.#options;
    const positions = await this.#positions();
    if (this.#hasEnded()) return;
    const unopened = positions.filter(
      ({ partition }) => this.owns(partition) && ledger.next(partition) === undefined,
    );
    ledger.open(unopened).forEach(onTrouble);
  }

  async #positions(): Promise<readonly PartitionPosition[]> {
    const { group, ledger } = this.#options;
    const positions = await group.positions();
    const isOdd = positions.some(
      ({ partition, committed }) => this.owns(partition) && ledger.isVanished(partition, committed),
    );
    // Offsets do not vanish but with the group or the topic: that is not believed at the first word.
    return isOdd ? group.positions() : positions;
  }
}
