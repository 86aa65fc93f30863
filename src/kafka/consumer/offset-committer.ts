import type { EachBatchPayload } from 'kafkajs';
import { describeError } from '../../program/operator-error.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { createLogRateLimit } from '../../telemetry/log-rate-limit.ts';
import type { GroupClient, GroupConnection } from './group-client.ts';
import type { Generation } from './membership.ts';
import type { PositionLedger } from './position-ledger.ts';

/** Commits as kafkajs's consumer group does it: once, without a retry. */
export type CommitOnce = EachBatchPayload['commitOffsetsIfNecessary'];

export interface OffsetCommitterOptions {
  readonly group: Pick<GroupClient, 'connect'>;
  readonly topic: string;
  readonly ledger: PositionLedger;
  readonly logger: Logger;
  /** The group's offset is not the one that we last committed: somebody else has changed it. */
  readonly onForeignOffset: (partition: number) => void;
  /** The group goes on without this member, such as after its session timeout. */
  readonly onExpelled: () => void;
}

/** How the broker answers who is no longer of the group, or not of its current generation. */
const EXPELLED: readonly unknown[] = ['UNKNOWN_MEMBER_ID', 'ILLEGAL_GENERATION'];

/** How long the broker's offsets count as known without asking again. */
const KNOWN_FOR_MS = 5000;

/**
 * Commits what is finished, one request after the other, so that commits only ever move forward.
 *
 * Before it commits it looks whether the group's offset is still the one that it knows. When a topic
 * is deleted and made anew under a running bridge, the broker forgets the group's offsets; committing
 * an old one then would skip as many messages of the new topic.
 */
export class OffsetCommitter {
  readonly #options: OffsetCommitterOptions;
  /** Partition to the offset to commit, of the current epoch. */
  readonly #pending = new Map<number, bigint>();
  #generation: Generation | undefined;
  /** Of the epoch in which it was made: it knows the partitions of that time. */
  #connection: { readonly client: GroupConnection; readonly epoch: number } | undefined;
  #epoch = 0;
  #knownAt = 0;
  /** Since when something has waited to be committed. */
  #waitingSince: number | undefined;
  /** Since a commit last succeeded. */
  readonly #failures = createLogRateLimit();
  #flushing = Promise.resolve();
  /** A flush that has not begun; it will commit what is added until then. */
  #nextFlush: Promise<void> | undefined;

  constructor(options: OffsetCommitterOptions) {
    this.#options = options;
  }

  /**
   * Forgets what was to be committed: it belongs to an older membership of the group. Without a
   * generation nothing can be committed until the next epoch.
   */
  openEpoch(generation: Generation | undefined): void {
    this.#epoch += 1;
    this.#generation = generation;
    this.#pending.clear();
    this.#waitingSince = undefined;
    this.#knownAt = Date.now();
  }

  add(partition: number, offset: bigint): void {
    this.#pending.set(partition, offset);
    this.#waitingSince ??= Date.now();
  }

  /** How long the oldest of what is finished has waited for its commit, in milliseconds. */
  get ageMs(): number {
    return this.#waitingSince === undefined ? 0 : Date.now() - this.#waitingSince;
  }

  /** Commits what has been added. Never throws: what is not committed is read again. */
  flush(): Promise<void> {
    this.#nextFlush ??= this.#flushing = this.#flushing.then(() => {
      this.#nextFlush = undefined;
      return this.#commitPending(true);
    });
    return this.#nextFlush;
  }

  /** To be called after the last flush. */
  async close(): Promise<void> {
    await this.#connection?.client.close();
    this.#connection = undefined;
  }

  /**
   * Sends the commit before it returns, ahead of a request to join the group that follows. Does
   * nothing when it has been too long since the broker's offsets were looked at.
   */
  flushNow(): void {
    if (Date.now() - this.#knownAt < KNOWN_FOR_MS) void this.#commitPending(false);
  }

  async #commitPending(lookFirst: boolean): Promise<void> {
    const { topic, ledger, logger, onForeignOffset, onExpelled } = this.#options;
    const epoch = this.#epoch;
    const generation = this.#generation;
    let pending = [...this.#pending];
    try {
      if (!generation || this.#pending.size === 0) return;
      if (lookFirst) {
        const foreign = await this.#foreignOffset();
        if (epoch !== this.#epoch) return;
        if (foreign !== undefined) {
          // Whoever has taken over the partition commits other offsets, too.
          const isMember = await this.#client().isMember(generation.memberId);
          if (epoch !== this.#epoch) return;
          if (isMember) onForeignOffset(foreign);
          else onExpelled();
          return;
        }
      }
      // Taken only now: `flushNow` may have committed a later state meanwhile.
      pending = [...this.#pending];
      this.#pending.clear();
      if (pending.length === 0) return;
      for (const [partition, offset] of pending) ledger.attempt(partition, offset);
      await generation.commit({ topics: [{ topic, partitions: asPartitions(pending) }] });
      if (epoch !== this.#epoch) return;
      for (const [partition, offset] of pending) ledger.confirm(partition, offset);
      this.#waitingSince = this.#pending.size > 0 ? Date.now() : undefined;
      this.#failures.reset();
      logger.debug(
        { event: 'offset_committed', topic, partitions: asPartitions(pending) },
        'offsets committed',
      );
    } catch (error) {
      const failure = describeError(error);
      // An outage fails one commit after the other.
      const leftOut = this.#failures.admit(failure);
      logger[leftOut === undefined ? 'debug' : 'warn'](
        { event: 'commit_failed', topic, partitions: asPartitions(pending), error: failure },
        'offsets not committed; the messages since are read again if this member leaves',
      );
      if (epoch !== this.#epoch) return;
      if (isExpelled(error)) onExpelled();
      else this.#restore(pending);
    }
  }

  /** The first partition to be committed whose offset at the broker is not one that we know of. */
  async #foreignOffset(): Promise<number | undefined> {
    const foreign = await this.#lookForForeign();
    if (foreign === undefined) return undefined;
    // Not believed at the first word: the consequence is to read again from there.
    await this.close();
    return this.#lookForForeign();
  }

  async #lookForForeign(): Promise<number | undefined> {
    const { ledger } = this.#options;
    const epoch = this.#epoch;
    const committed = await this.#client().committed();
    if (epoch !== this.#epoch) return undefined;
    for (const partition of this.#pending.keys()) {
      const offset = committed.get(partition);
      if (offset === undefined) {
        // The client may not know a partition yet that was added. No answer is not the answer "none".
        await this.close();
        throw new Error(`the committed offset of partition ${partition} is unknown`);
      }
      if (!ledger.agrees(partition, offset)) return partition;
    }
    this.#knownAt = Date.now();
    ledger.remember(committed);
    return undefined;
  }

  /** Connects in each epoch again: the client knows the partitions of that time. */
  #client(): GroupConnection {
    if (this.#connection?.epoch === this.#epoch) return this.#connection.client;
    void this.#connection?.client.close().catch(() => undefined);
    const client = this.#options.group.connect();
    this.#connection = { client, epoch: this.#epoch };
    return client;
  }

  /** Puts back what could not be committed, unless a later offset has been added meanwhile. */
  #restore(pending: readonly (readonly [number, bigint])[]): void {
    for (const [partition, offset] of pending) {
      if (!this.#pending.has(partition)) this.#pending.set(partition, offset);
    }
  }
}

const asPartitions = (pending: readonly (readonly [number, bigint])[]) =>
  pending.map(([partition, offset]) => ({ partition, offset: offset.toString() }));

const isExpelled = (error: unknown): boolean =>
  error instanceof Error && 'type' in error && EXPELLED.includes(error.type);
