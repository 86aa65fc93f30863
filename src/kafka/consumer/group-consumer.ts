import { describeError } from '../../program/operator-error.ts';
import { RateLimitedLog } from '../../telemetry/rate-limited-log.ts';
import { Assignment, type Membership, type PartitionOffset } from './assignment.ts';
import { coalesce } from './coalesce.ts';
import type { LogAnomaly, PartitionBatch } from './consumed-message.ts';
import type {
  ConsumerClient,
  ConsumerClientHandlers,
  FetchedBatch,
  GroupJoin,
  InvisibleBatch,
} from './consumer-client.ts';
import { createGroupAdmin, type GroupAdmin } from './group-admin.ts';
import {
  KafkajsConsumerClient,
  type KafkajsConsumerClientOptions,
} from './kafkajs-consumer-client.ts';
import { OffsetCommitter, type CommitFailure, type CommitOutcome } from './offset-committer.ts';
import { PositionTracker, type BatchCheck } from './position-tracker.ts';

/** What a consumer reports to its user. */
export interface GroupConsumerHandlers {
  /** Resolves when no message of the batch is in progress any more, finished or not. */
  readonly onBatch: (batch: PartitionBatch) => Promise<void>;
  readonly onLogAnomaly: (anomaly: LogAnomaly) => void;
  /** The consumer is alive: the broker has answered, or the consumer has tried to reach it again. */
  readonly onActivity: () => void;
  /** The consumer has failed and will not restart by itself. */
  readonly onCrash: (error: Error) => void;
}

export interface GroupConsumerOptions extends KafkajsConsumerClientOptions, GroupConsumerHandlers {
  readonly commitIntervalMs: number;
}

/** How a group consumer reaches Kafka. */
export interface GroupConsumerPorts {
  readonly group: GroupAdmin;
  readonly createClient: (handlers: ConsumerClientHandlers) => ConsumerClient;
}

/**
 * A member of a consumer group that commits only what is finished, and only for partitions that are still
 * assigned to it. Everything it knows belongs to one generation of the group; `Assignment` says which is
 * the current one. What follows from a commit is decided in one place, `#handleOutcome`.
 */
export class GroupConsumer {
  readonly #options: GroupConsumerOptions;
  readonly #group: GroupAdmin;
  readonly #client: ConsumerClient;
  readonly #assignment = new Assignment();
  #tracker: PositionTracker;
  #committer: OffsetCommitter;
  #commitTimer: NodeJS.Timeout | undefined;
  readonly #flush = coalesce(() => this.#handleOutcome(this.#committer.commit()));
  /** Per partition the last batch without any message for the application, and when it was fetched. */
  readonly #invisible = new Map<number, InvisibleBatch & { readonly generation: number }>();
  /** Lines about the group, which can go through the same states often. */
  readonly #groupLog: RateLimitedLog;
  /** Lines about commits that fail: during an outage one after the other does. Reset by one that succeeds. */
  readonly #commitFailureLog: RateLimitedLog;

  constructor(
    options: GroupConsumerOptions,
    { group, createClient }: GroupConsumerPorts = kafkajsPorts(options),
  ) {
    this.#options = options;
    this.#group = group;
    this.#groupLog = new RateLimitedLog(options.logger);
    this.#commitFailureLog = new RateLimitedLog(options.logger);
    this.#tracker = this.#createTracker();
    this.#committer = this.#createCommitter();
    this.#client = createClient({
      onJoin: (join) => {
        this.#joined(join);
      },
      onRebalance: () => {
        this.#rebalance();
      },
      onLeave: () => {
        this.#begin([], { status: 'none' });
      },
      onBatch: (batch) => this.#consume(batch),
      onInvisibleBatch: (batch) => {
        const { generation } = this.#assignment;
        this.#invisible.set(batch.partition, { ...batch, generation });
      },
      onInvisibleBatchSkipped: (partition, lastOffset) => {
        void this.#skip(partition, lastOffset);
      },
      onActivity: options.onActivity,
      onCrash: options.onCrash,
    });
  }

  /** Joins the consumer group. Throws when Kafka cannot be reached or rejects the consumer. */
  async start(): Promise<void> {
    this.#assignment.observe(await this.#group.committed());
    await this.#client.start();
    this.#commitTimer = setInterval(() => void this.#flush(), this.#options.commitIntervalMs);
  }

  /** The partitions that are assigned to this consumer. */
  get partitions(): ReadonlySet<number> {
    return this.#assignment.partitions;
  }

  /** The assigned partitions that have no leader. They are read as soon as they have one. */
  get offlinePartitions(): readonly number[] {
    const { partitions } = this.#assignment;
    return this.#client.partitionsWithoutLeader.filter((partition) => partitions.has(partition));
  }

  /** Why the consumer does not count as connected, or undefined when it does. */
  get disconnectedReason(): string | undefined {
    return this.#client.disconnectedReason;
  }

  /** How long the oldest finished message has waited for its commit, in milliseconds. */
  get commitAgeMs(): number {
    return this.#assignment.commitAgeMs;
  }

  /** Fetches no more batches. Batches that are being processed are not affected. */
  pause(): void {
    this.#client.pause();
  }

  /** Commits what is finished, leaves the group and closes all connections. Call it when no batch is in progress. */
  async stop(): Promise<void> {
    clearInterval(this.#commitTimer);
    await this.#client.stopRestarts();
    await this.#flush();
    const committer = this.#committer;
    this.#assignment.begin([], { status: 'none' });
    await Promise.all([this.#client.close(), committer.close()]).catch((error: unknown) => {
      this.#options.logger.warn(
        { event: 'consumer_close_error', error: describeError(error) },
        'could not leave the consumer group cleanly; the broker removes this member when its session times out',
      );
    });
  }

  /** Ends the current generation and begins the next one, with fresh state for these partitions. */
  #begin(partitions: Iterable<number>, membership: Membership): void {
    const ended = this.#committer;
    this.#assignment.begin(partitions, membership);
    this.#tracker = this.#createTracker();
    this.#committer = this.#createCommitter();
    void ended.close().catch(() => undefined);
  }

  #createTracker(): PositionTracker {
    const { onLogAnomaly } = this.#options;
    const { generation } = this.#assignment;
    const assignment = this.#assignment;
    return new PositionTracker({ generation, assignment, group: this.#group, onLogAnomaly });
  }

  #createCommitter(): OffsetCommitter {
    const { generation } = this.#assignment;
    return new OffsetCommitter({ generation, assignment: this.#assignment, group: this.#group });
  }

  #joined({ memberId, partitions, commit }: GroupJoin): void {
    this.#begin(partitions, { status: 'member', memberId, commit });
    const line = { event: 'partitions_assigned', partitions };
    this.#logOfGroup('info', line, 'joined the consumer group');
  }

  #rebalance(): void {
    this.#logOfGroup('info', { event: 'group_rebalancing' }, 'the consumer group is rebalancing');
    // The broker receives this commit before the request to join, while it is still valid.
    void this.#handleOutcome(this.#committer.commitNow());
  }

  async #consume(batch: FetchedBatch): Promise<'done' | 'rejoin'> {
    const { generation, membership, revoked } = this.#assignment;
    const { topic, onBatch } = this.#options;
    const { partition, messages, heartbeat } = batch;
    if (membership.status === 'fenced') return 'rejoin';
    const check = await this.#tracker.check(partition, batch.fetchedOffset);
    if (check.kind !== 'expected') {
      this.#refetch(partition, check);
      return 'done';
    }
    await onBatch({
      topic,
      partition,
      messages,
      lastOffset: batch.lastOffset.toString(),
      revoked,
      heartbeat,
      markFinishedUpTo: (nextOffset) => {
        const state = this.#assignment.find(partition, generation);
        if (!state) return;
        batch.resolve(nextOffset);
        state.finishUpTo(nextOffset);
      },
    });
    return 'done';
  }

  async #skip(partition: number, lastOffset: bigint): Promise<void> {
    const batch = this.#invisible.get(partition);
    if (!batch || batch.lastOffset !== lastOffset) return;
    if (!this.#assignment.isCurrent(batch.generation)) return;
    try {
      const check = await this.#tracker.skip(partition, batch.fetchedOffset, lastOffset);
      this.#refetch(partition, check);
    } catch {
      // The position check then rejects the next batch, and this one is fetched again.
    }
  }

  #refetch(partition: number, check: BatchCheck): void {
    if (check.kind === 'refetch') this.#client.seek(partition, check.from);
  }

  /** Decides what follows from a commit. */
  async #handleOutcome(commit: Promise<CommitOutcome>): Promise<void> {
    const { generation } = this.#assignment;
    const outcome = await commit;
    switch (outcome.kind) {
      case 'nothing-pending':
        return;
      case 'committed':
        this.#commitFailureLog.reset();
        this.#options.logger.debug(
          { event: 'offset_committed', ...this.#describe(outcome.offsets) },
          'offsets committed',
        );
        return;
      case 'failed':
      case 'superseded':
        if (outcome.failure) this.#logFailure(outcome.failure);
        return;
      case 'fenced':
        if (outcome.failure) this.#logFailure(outcome.failure);
        if (this.#assignment.isCurrent(generation)) this.#rejoin();
        return;
      case 'offset-changed':
        if (this.#assignment.isCurrent(generation)) this.#resume(outcome.partition);
        return;
      default:
        outcome satisfies never;
    }
  }

  /** Gives up what is in progress. The client joins the group again at the next batch or heartbeat. */
  #rejoin(): void {
    this.#logOfGroup(
      'warn',
      { event: 'membership_lost' },
      'removed from the consumer group (missed heartbeats); rejoining',
    );
    this.#begin([], { status: 'fenced' });
  }

  /** Continues from the offsets that the broker has now, as the same member. */
  #resume(changed: number): void {
    const { topic, logger } = this.#options;
    logger.error(
      { event: 'foreign_offset', topic, partition: changed },
      "the committed offset changed outside this consumer (topic recreated or offsets reset); resuming from the broker's offset",
    );
    const { partitions, membership } = this.#assignment;
    this.#begin(partitions, membership);
    this.#tracker
      .startingOffsets()
      .then((offsets) => {
        for (const [partition, offset] of offsets) this.#client.seek(partition, offset);
      })
      .catch(() => {
        // The generation has ended, or the client is restarting and cannot seek: the next join begins anyway
        // at the group's offsets.
      });
  }

  #logFailure({ offsets, error }: CommitFailure): void {
    const failure = describeError(error);
    this.#commitFailureLog.write(
      'warn',
      { event: 'commit_failed', ...this.#describe(offsets), error: failure },
      'offsets not committed; if this member leaves, the messages since the last commit are read again',
      failure,
    );
  }

  #logOfGroup(level: 'info' | 'warn', line: GroupLine, message: string): void {
    const { topic } = this.#options;
    const kind = `${line.event} ${(line.partitions ?? []).join(' ')}`;
    this.#groupLog.write(level, { ...line, topic }, message, kind);
  }

  #describe(offsets: readonly PartitionOffset[]) {
    return {
      topic: this.#options.topic,
      partitions: offsets.map(({ partition, offset }) => ({
        partition,
        offset: offset.toString(),
      })),
    };
  }
}

interface GroupLine {
  readonly event: string;
  readonly partitions?: readonly number[];
}

const kafkajsPorts = (options: GroupConsumerOptions): GroupConsumerPorts => ({
  group: createGroupAdmin(options.kafka, options.groupId, options.topic),
  createClient: (handlers) => new KafkajsConsumerClient(options, handlers),
});
