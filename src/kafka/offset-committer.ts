import type { Admin, EachBatchPayload, Kafka } from 'kafkajs';
import { describeError } from '../program/operator-error.ts';
import type { Logger } from '../telemetry/logger.ts';
import { committedOffsets } from './committed-offsets.ts';
import type { PositionLedger } from './position-ledger.ts';

/** Commits as kafkajs's consumer group does it: once, without a retry. */
export type CommitOnce = EachBatchPayload['commitOffsetsIfNecessary'];

export interface OffsetCommitterOptions {
  readonly kafka: Kafka;
  readonly topic: string;
  readonly groupId: string;
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
  #commit: CommitOnce | undefined;
  /** Of the epoch in which it was made: it knows the partitions of that time. */
  #admin: { readonly client: Admin; readonly epoch: number } | undefined;
  #epoch = 0;
  #memberId = '';
  #knownAt = 0;
  /** Since when something has waited to be committed. */
  #waitingSince: number | undefined;
  /** Why the last commit has failed. */
  #failure: string | undefined;
  #flushing = Promise.resolve();
  /** A flush that has not begun; it will commit what is added until then. */
  #nextFlush: Promise<void> | undefined;

  constructor(options: OffsetCommitterOptions) {
    this.#options = options;
  }

  /**
   * Forgets what was to be committed: it belongs to an older membership of the group. `memberId` is
   * what the broker calls this member now.
   */
  openEpoch(memberId: string): void {
    this.#epoch += 1;
    this.#memberId = memberId;
    this.#pending.clear();
    this.#waitingSince = undefined;
    this.#knownAt = Date.now();
  }

  /** How to commit from now on. */
  use(commit: CommitOnce): void {
    this.#commit = commit;
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
    await this.#admin?.client.disconnect();
    this.#admin = undefined;
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
    let pending = [...this.#pending];
    try {
      if (!this.#commit || this.#pending.size === 0) return;
      if (lookFirst) {
        const foreign = await this.#foreignOffset();
        if (epoch !== this.#epoch) return;
        if (foreign !== undefined) {
          // Whoever has taken over the partition commits other offsets, too.
          const isMember = await this.#isMember();
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
      await this.#commit({ topics: [{ topic, partitions: asPartitions(pending) }] });
      if (epoch !== this.#epoch) return;
      for (const [partition, offset] of pending) ledger.confirm(partition, offset);
      this.#waitingSince = this.#pending.size > 0 ? Date.now() : undefined;
      this.#failure = undefined;
      logger.debug(
        { event: 'offset_committed', topic, partitions: asPartitions(pending) },
        'offsets committed',
      );
    } catch (error) {
      const failure = describeError(error);
      // Once for an outage, which fails one commit after the other.
      logger[failure === this.#failure ? 'debug' : 'warn'](
        { event: 'commit_failed', topic, partitions: asPartitions(pending), error: failure },
        'offsets not committed; the messages since are read again if this member leaves',
      );
      this.#failure = failure;
      if (epoch !== this.#epoch) return;
      if (isExpelled(error)) onExpelled();
      else this.#restore(pending);
    }
  }

  /** The first partition to be committed whose offset at the broker is not one that we know of. */
  async #foreignOffset(): Promise<number | undefined> {
    const { topic, groupId, ledger } = this.#options;
    const epoch = this.#epoch;
    const committed = await committedOffsets(await this.#currentAdmin(), groupId, topic);
    if (epoch !== this.#epoch) return undefined;
    this.#knownAt = Date.now();
    ledger.remember(committed);
    return [...this.#pending.keys()].find(
      (partition) => !ledger.agrees(partition, committed.get(partition) ?? 'none'),
    );
  }

  async #isMember(): Promise<boolean> {
    const admin = await this.#currentAdmin();
    const { groups } = await admin.describeGroups([this.#options.groupId]);
    return groups.some(({ members }) =>
      members.some(({ memberId }) => memberId === this.#memberId),
    );
  }

  async #currentAdmin(): Promise<Admin> {
    if (this.#admin?.epoch === this.#epoch) return this.#admin.client;
    await this.close();
    const epoch = this.#epoch;
    const client = this.#options.kafka.admin();
    this.#admin = { client, epoch };
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
