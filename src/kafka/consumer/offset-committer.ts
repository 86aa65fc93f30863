import { errorTypeOf } from '../kafkajs-errors.ts';
import type { Assignment, PartitionOffset } from './assignment.ts';
import type { GroupAdmin, GroupAdminConnection } from './group-admin.ts';

/** What happened to the offsets that were pending. */
export type CommitOutcome =
  /** Nothing was pending, or this process is not a member of the group. */
  | { readonly kind: 'nothing-pending' }
  | { readonly kind: 'committed'; readonly offsets: readonly PartitionOffset[] }
  /** Another client has changed the group's offset of a partition. Nothing was committed. */
  | { readonly kind: 'offset-changed'; readonly partition: number }
  /**
   * The group continues without this member: the broker rejected the commit (`failure`), or another member
   * has committed. Nothing was committed.
   */
  | { readonly kind: 'fenced'; readonly failure?: CommitFailure }
  /** The offsets stay pending. They may have been committed anyway. */
  | { readonly kind: 'failed'; readonly failure: CommitFailure }
  /** A new generation has begun in the meantime. */
  | { readonly kind: 'superseded'; readonly failure?: CommitFailure };

export interface CommitFailure {
  readonly offsets: readonly PartitionOffset[];
  readonly error: unknown;
}

export interface OffsetCommitterOptions {
  /** The generation in which this committer is used. */
  readonly generation: number;
  readonly assignment: Assignment;
  readonly group: Pick<GroupAdmin, 'connect'>;
}

/** The broker's answers to a member that was removed, or that has missed a generation. */
const FENCED: readonly unknown[] = ['UNKNOWN_MEMBER_ID', 'ILLEGAL_GENERATION'];

/** How long the group's offsets count as known without asking again. */
const KNOWN_FOR_MS = 5000;

/**
 * Commits what is finished in one generation.
 *
 * Before a commit it checks that the group's offset at the broker is still the one it knows. When a topic
 * is deleted and recreated, the broker deletes the group's offsets: committing an old offset then would
 * skip as many messages of the new topic.
 */
export class OffsetCommitter {
  readonly #options: OffsetCommitterOptions;
  #connection: GroupAdminConnection | undefined;
  #offsetsKnownAt = Date.now();
  #running: Promise<unknown> = Promise.resolve();

  constructor(options: OffsetCommitterOptions) {
    this.#options = options;
  }

  /** Commits what is pending. Never rejects. Call it again only when the call before has resolved. */
  commit(): Promise<CommitOutcome> {
    const outcome = this.#checkAndSend();
    this.#running = outcome;
    return outcome;
  }

  /**
   * Sends the commit before it returns, ahead of any request that follows, such as one to join the group.
   * Does nothing when the group's offsets have not been checked recently. Never rejects.
   */
  commitNow(): Promise<CommitOutcome> {
    const isRecent = Date.now() - this.#offsetsKnownAt < KNOWN_FOR_MS;
    return isRecent ? this.#send() : Promise.resolve(NOTHING_PENDING);
  }

  /** Closes the connection once a commit in progress has ended. */
  async close(): Promise<void> {
    await this.#running;
    await this.#disconnect();
  }

  async #checkAndSend(): Promise<CommitOutcome> {
    const { assignment, generation } = this.#options;
    const { membership } = assignment;
    const pending = this.#pending();
    if (membership.status !== 'member' || pending.length === 0) return NOTHING_PENDING;
    try {
      const changed = await this.#findChangedOffset();
      if (changed !== undefined) {
        // A member that has taken over the partition commits other offsets, too.
        const isMember = await this.#connected().isMember(membership.memberId);
        if (!assignment.isCurrent(generation)) return SUPERSEDED;
        return isMember ? { kind: 'offset-changed', partition: changed } : { kind: 'fenced' };
      }
    } catch (error) {
      return this.#failed({ offsets: pending, error });
    }
    return assignment.isCurrent(generation) ? this.#send() : SUPERSEDED;
  }

  /** Calls the commit function before it returns. */
  async #send(): Promise<CommitOutcome> {
    const { assignment, generation } = this.#options;
    const { membership } = assignment;
    // Read only now: `commitNow` may have sent a newer state in the meantime.
    const offsets = this.#pending();
    if (membership.status !== 'member' || offsets.length === 0) return NOTHING_PENDING;
    for (const { partition } of offsets) assignment.find(partition, generation)?.commitSent();
    try {
      await membership.commit(offsets);
    } catch (error) {
      for (const { partition, offset } of offsets) {
        assignment.find(partition, generation)?.commitFailed(offset);
      }
      return this.#failed({ offsets, error });
    }
    if (!assignment.isCurrent(generation)) return SUPERSEDED;
    for (const { partition, offset } of offsets) {
      assignment.find(partition, generation)?.commitAcknowledged(offset);
    }
    return { kind: 'committed', offsets };
  }

  #pending(): readonly PartitionOffset[] {
    const { assignment, generation } = this.#options;
    return assignment
      .all(generation)
      .flatMap(({ id, pending }) =>
        pending === undefined ? [] : [{ partition: id, offset: pending }],
      );
  }

  #failed(failure: CommitFailure): CommitOutcome {
    const { assignment, generation } = this.#options;
    if (!assignment.isCurrent(generation)) return { kind: 'superseded', failure };
    return { kind: FENCED.includes(errorTypeOf(failure.error)) ? 'fenced' : 'failed', failure };
  }

  /** A pending partition whose committed offset at the broker is not one that this member knows. */
  async #findChangedOffset(): Promise<number | undefined> {
    if ((await this.#compareOffsets()) === undefined) return undefined;
    // The consequence is to read again from there, so it is confirmed by a second look.
    await this.#disconnect();
    return this.#compareOffsets();
  }

  async #compareOffsets(): Promise<number | undefined> {
    const { assignment, generation } = this.#options;
    const committed = await this.#connected().committed();
    if (!assignment.isCurrent(generation)) return undefined;
    for (const { partition } of this.#pending()) {
      const offset = committed.get(partition);
      if (offset === undefined) {
        // The client may not know about a partition yet that was added. No answer does not mean `none`.
        await this.#disconnect();
        throw new Error(`the committed offset of partition ${partition} is unknown`);
      }
      if (!assignment.find(partition, generation)?.recognizes(offset)) return partition;
    }
    this.#offsetsKnownAt = Date.now();
    assignment.observe(committed);
    return undefined;
  }

  #connected(): GroupAdminConnection {
    this.#connection ??= this.#options.group.connect();
    return this.#connection;
  }

  async #disconnect(): Promise<void> {
    await this.#connection?.close();
    this.#connection = undefined;
  }
}

const NOTHING_PENDING: CommitOutcome = { kind: 'nothing-pending' };
const SUPERSEDED: CommitOutcome = { kind: 'superseded' };
