import { isOffset, type CommittedOffset } from '../group-positions.ts';
import { errorTypeOf } from '../kafkajs-errors.ts';
import type { Assignment, PartitionOffset } from './assignment.ts';
import type { GroupAdmin, GroupAdminConnection } from './group-admin.ts';
import type { Partition } from './partition.ts';

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
  readonly topic: string;
  /** The generation in which this committer is used. */
  readonly generation: number;
  readonly assignment: Assignment;
  readonly group: Pick<GroupAdmin, 'connect'>;
}

/** The broker's answers to a member that was removed, or that has missed a generation. */
const FENCED: readonly unknown[] = ['UNKNOWN_MEMBER_ID', 'ILLEGAL_GENERATION'];

/** How long the group's offsets count as known without asking again. */
const KNOWN_FOR_MS = 5000;

/** How long an answer with another offset may be an old one. Measured: up to 0.6 s after a broker's shutdown. */
const STALE_FOR_MS = 10_000;

/**
 * Commits what is finished of one topic in one generation. Each topic has a committer of its own: what fails
 * for one that has been deleted must not keep the others from committing.
 *
 * Before a commit it checks that the group's offset at the broker is still the one it knows. When a topic
 * is deleted and recreated, the broker deletes the group's offsets: committing an old offset then would
 * skip as many messages of the new topic.
 *
 * A broker that has just become the group's coordinator answers with older offsets, and without an error,
 * until its replicas have confirmed the last commits (Kafka 4; kafkajs cannot set `requireStable`). Nothing
 * is committed while the answer is older than what is known.
 */
export class OffsetCommitter {
  readonly #options: OffsetCommitterOptions;
  #connection: GroupAdminConnection | undefined;
  #offsetsKnownAt = Date.now();
  /** When the broker first answered with an offset that may be an old one. */
  #staleSince: number | undefined;
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
      const different = await this.#findDifferent();
      if (different.length > 0) {
        // A member that has taken over the partition commits other offsets, too.
        const isMember = await this.#connected().isMember(membership.memberId);
        if (!assignment.isCurrent(generation)) return SUPERSEDED;
        if (!isMember) return { kind: 'fenced' };
        const changed = this.#findChanged(different);
        if (changed !== undefined) return { kind: 'offset-changed', partition: changed };
      }
    } catch (error) {
      return this.#failed({ offsets: pending, error });
    }
    return assignment.isCurrent(generation) ? this.#send() : SUPERSEDED;
  }

  /** Calls the commit function before it returns. */
  async #send(): Promise<CommitOutcome> {
    const { topic, assignment, generation } = this.#options;
    const { membership } = assignment;
    // Read only now: `commitNow` may have sent a newer state in the meantime.
    const offsets = this.#pending();
    if (membership.status !== 'member' || offsets.length === 0) return NOTHING_PENDING;
    for (const { partition } of offsets) this.#find(partition)?.commitSent();
    try {
      await membership.commit(topic, offsets);
    } catch (error) {
      for (const { partition, offset } of offsets) {
        this.#find(partition)?.commitFailed(offset);
      }
      return this.#failed({ offsets, error });
    }
    if (!assignment.isCurrent(generation)) return SUPERSEDED;
    for (const { partition, offset } of offsets) {
      this.#find(partition)?.commitAcknowledged(offset);
    }
    return { kind: 'committed', offsets };
  }

  #pending(): readonly PartitionOffset[] {
    const { topic, assignment, generation } = this.#options;
    return assignment
      .ofTopic(topic, generation)
      .flatMap(({ partition, pending }) =>
        pending === undefined ? [] : [{ partition, offset: pending }],
      );
  }

  #find(partition: number): Partition | undefined {
    const { topic, assignment, generation } = this.#options;
    return assignment.find({ topic, partition }, generation);
  }

  #failed(failure: CommitFailure): CommitOutcome {
    const { assignment, generation } = this.#options;
    if (!assignment.isCurrent(generation)) return { kind: 'superseded', failure };
    return { kind: FENCED.includes(errorTypeOf(failure.error)) ? 'fenced' : 'failed', failure };
  }

  /** The pending partitions whose committed offsets at the broker are not what this member knows. */
  async #findDifferent(): Promise<readonly Different[]> {
    if ((await this.#compareOffsets()).length === 0) return [];
    // The consequence is to read again from there, so it is confirmed by a second look.
    await this.#disconnect();
    return this.#compareOffsets();
  }

  async #compareOffsets(): Promise<readonly Different[]> {
    const { topic, assignment, generation } = this.#options;
    const committed = await this.#connected().committed();
    if (!assignment.isCurrent(generation)) return [];
    const different: Different[] = [];
    for (const { partition } of this.#pending()) {
      const offset = committed.get(partition);
      if (offset === undefined) {
        // The client may not know about a partition yet that was added. No answer does not mean `none`.
        await this.#disconnect();
        throw new Error(`the committed offset of partition ${partition} of "${topic}" is unknown`);
      }
      if (!this.#find(partition)?.recognizes(offset)) {
        different.push({ partition, offset });
      }
    }
    if (different.length > 0) return different;
    this.#offsetsKnownAt = Date.now();
    this.#staleSince = undefined;
    assignment.observe(topic, committed);
    return [];
  }

  /**
   * The partition whose offset another client has changed, or undefined when each offset is explained by an
   * old answer at the start of this generation. Throws while an answer may be an old one.
   */
  #findChanged(different: readonly Different[]): number | undefined {
    const unexplained = different.filter(
      ({ partition, offset }) => !this.#find(partition)?.catchesUp(offset),
    );
    // Offsets vanish only with the group or the topic.
    const vanished = unexplained.find(({ offset }) => !isOffset(offset));
    const [first] = unexplained;
    if (vanished || !first) return vanished?.partition;
    this.#staleSince ??= Date.now();
    if (Date.now() - this.#staleSince >= STALE_FOR_MS) return first.partition;
    throw new Error(
      `the broker answers with the committed offset ${first.offset} of partition ${first.partition} of "${this.#options.topic}", which may be an old one; it is asked again`,
    );
  }

  #connected(): GroupAdminConnection {
    this.#connection ??= this.#options.group.connect(this.#options.topic);
    return this.#connection;
  }

  async #disconnect(): Promise<void> {
    await this.#connection?.close();
    this.#connection = undefined;
  }
}

interface Different {
  readonly partition: number;
  readonly offset: CommittedOffset;
}

const NOTHING_PENDING: CommitOutcome = { kind: 'nothing-pending' };
const SUPERSEDED: CommitOutcome = { kind: 'superseded' };
