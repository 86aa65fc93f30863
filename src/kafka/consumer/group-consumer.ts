import { describeError } from '../../program/operator-error.ts';
import { errorTypeOf } from '../kafkajs-errors.ts';
import { RateLimitedLog } from '../../telemetry/rate-limited-log.ts';
import { partitionKey, type PartitionKey, type TopicPartition } from '../topic-partition.ts';
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

/** What each topic has of its own in one generation. */
interface TopicProgress {
  readonly tracker: PositionTracker;
  readonly committer: OffsetCommitter;
}

/**
 * A member of a consumer group that reads one or more topics. It commits only what is finished, and only for
 * partitions that are still assigned to it. Everything it knows belongs to one generation of the group;
 * `Assignment` says which is the current one. What follows from a commit is decided in one place, `#commit`.
 */
export class GroupConsumer {
  readonly #options: GroupConsumerOptions;
  readonly #group: GroupAdmin;
  readonly #client: ConsumerClient;
  readonly #assignment = new Assignment();
  /** By topic. */
  #progress: ReadonlyMap<string, TopicProgress>;
  #commitTimer: NodeJS.Timeout | undefined;
  /** One per topic: a commit that waits for a topic that was deleted must not delay the others. */
  readonly #flushes: readonly (() => Promise<void>)[];
  /** Per partition the last batch without any message for the application, and when it was fetched. */
  readonly #invisible = new Map<PartitionKey, InvisibleBatch & { readonly generation: number }>();
  /** The partitions whose batches are being processed. */
  readonly #inProgress = new Set<PartitionKey>();
  /** Lines about the group, which can go through the same states often. */
  readonly #groupLog: RateLimitedLog;
  /**
   * By topic: lines about commits that fail. During an outage one after the other does. Reset by one that
   * succeeds, which says nothing about the other topics.
   */
  readonly #commitFailureLogs: ReadonlyMap<string, RateLimitedLog>;

  constructor(
    options: GroupConsumerOptions,
    { group, createClient }: GroupConsumerPorts = kafkajsPorts(options),
  ) {
    this.#options = options;
    this.#group = group;
    this.#groupLog = new RateLimitedLog(options.logger);
    this.#commitFailureLogs = new Map(
      options.topics.map((topic) => [topic, new RateLimitedLog(options.logger)]),
    );
    this.#progress = this.#createProgress();
    this.#flushes = options.topics.map((topic) =>
      coalesce(() => this.#commit(topic, (committer) => committer.commit())),
    );
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
        this.#invisible.set(partitionKey(batch), { ...batch, generation });
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
    for (const topic of this.#options.topics) await this.#observe(topic);
    await this.#client.start();
    this.#commitTimer = setInterval(() => void this.#flushAll(), this.#options.commitIntervalMs);
  }

  /** The partitions that are assigned to this consumer. */
  get partitions(): ReadonlySet<PartitionKey> {
    return this.#assignment.partitions;
  }

  /** The assigned partitions that have no leader. They are read as soon as they have one. */
  get offlinePartitions(): readonly TopicPartition[] {
    const { partitions } = this.#assignment;
    return this.#client.partitionsWithoutLeader.filter((one) => partitions.has(partitionKey(one)));
  }

  /** The topics that do not exist, while others do. They are read as soon as they exist. */
  get missingTopics(): readonly string[] {
    return this.#client.missingTopics;
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
    await this.#flushAll();
    const committers = [...this.#progress.values()].map(({ committer }) => committer);
    this.#assignment.begin([], { status: 'none' });
    await Promise.all([
      this.#client.close(),
      ...committers.map((committer) => committer.close()),
    ]).catch((error: unknown) => {
      this.#options.logger.warn(
        { event: 'consumer_close_error', error: describeError(error) },
        'could not leave the consumer group cleanly; the broker removes this member when its session times out',
      );
    });
  }

  /** Ends the current generation and begins the next one, with fresh state for these partitions. */
  #begin(partitions: readonly TopicPartition[], membership: Membership): void {
    const ended = this.#progress;
    this.#assignment.begin(partitions, membership);
    this.#progress = this.#createProgress();
    for (const { committer } of ended.values()) void committer.close().catch(() => undefined);
  }

  #createProgress(): ReadonlyMap<string, TopicProgress> {
    const { topics, onLogAnomaly } = this.#options;
    const assignment = this.#assignment;
    const { generation } = assignment;
    return new Map(
      topics.map((topic) => {
        const shared = { topic, generation, assignment, group: this.#group };
        const tracker = new PositionTracker({ ...shared, onLogAnomaly });
        return [topic, { tracker, committer: new OffsetCommitter(shared) }];
      }),
    );
  }

  /** Notes what the group has committed. A topic that is missing among several is read once it exists. */
  async #observe(topic: string): Promise<void> {
    try {
      this.#assignment.observe(topic, await this.#group.committed(topic));
    } catch (error) {
      const isMissing = errorTypeOf(error) === 'UNKNOWN_TOPIC_OR_PARTITION';
      if (!isMissing || this.#options.topics.length === 1) throw error;
    }
  }

  #joined({ memberId, partitions, commit }: GroupJoin): void {
    this.#begin(partitions, { status: 'member', memberId, commit });
    for (const topic of this.#options.topics) {
      const numbers = partitions.flatMap((one) => (one.topic === topic ? [one.partition] : []));
      const line = { event: 'partitions_assigned', partitions: numbers };
      this.#logOfGroup('info', line, 'joined the consumer group', topic);
    }
  }

  #rebalance(): void {
    this.#logOfGroup('info', { event: 'group_rebalancing' }, 'the consumer group is rebalancing');
    // The broker receives this commit before the request to join, while it is still valid.
    for (const topic of this.#options.topics) {
      void this.#commit(topic, (committer) => committer.commitNow());
    }
  }

  async #consume(batch: FetchedBatch): Promise<'done' | 'rejoin'> {
    const { generation, membership, revoked } = this.#assignment;
    const { onBatch } = this.#options;
    const { topic, partition, messages, heartbeat } = batch;
    if (membership.status === 'fenced') return 'rejoin';
    const check = await this.#progressOf(topic).tracker.check(partition, batch.fetchedOffset);
    if (check.kind !== 'expected') {
      this.#refetch(batch, check);
      return 'done';
    }
    const key = partitionKey(batch);
    this.#inProgress.add(key);
    await onBatch({
      topic,
      partition,
      messages,
      lastOffset: batch.lastOffset.toString(),
      revoked,
      heartbeat,
      markFinishedUpTo: (nextOffset) => {
        const state = this.#assignment.find(batch, generation);
        if (!state) return;
        batch.resolve(nextOffset);
        state.finishUpTo(nextOffset);
      },
      holdsUpOthers: () => this.#inProgress.size < this.#assignment.partitions.size,
    }).finally(() => this.#inProgress.delete(key));
    return 'done';
  }

  async #skip(skipped: TopicPartition, lastOffset: bigint): Promise<void> {
    const batch = this.#invisible.get(partitionKey(skipped));
    if (!batch || batch.lastOffset !== lastOffset) return;
    if (!this.#assignment.isCurrent(batch.generation)) return;
    try {
      const { tracker } = this.#progressOf(batch.topic);
      const check = await tracker.skip(batch.partition, batch.fetchedOffset, lastOffset);
      this.#refetch(batch, check);
    } catch {
      // The position check then rejects the next batch, and this one is fetched again.
    }
  }

  #refetch({ topic, partition }: TopicPartition, check: BatchCheck): void {
    if (check.kind === 'refetch') this.#client.seek({ topic, partition }, check.from);
  }

  async #flushAll(): Promise<void> {
    await Promise.all(this.#flushes.map((flush) => flush()));
  }

  #progressOf(topic: string): TopicProgress {
    const progress = this.#progress.get(topic);
    if (!progress) throw new Error(`"${topic}" is not one of this consumer's topics`);
    return progress;
  }

  /** Commits what is finished of the topic, and decides what follows. */
  async #commit(
    topic: string,
    commit: (committer: OffsetCommitter) => Promise<CommitOutcome>,
  ): Promise<void> {
    const { generation } = this.#assignment;
    const outcome = await commit(this.#progressOf(topic).committer);
    switch (outcome.kind) {
      case 'nothing-pending':
        return;
      case 'committed':
        this.#commitFailureLogs.get(topic)?.reset();
        this.#options.logger.debug(
          { event: 'offset_committed', ...described(topic, outcome.offsets) },
          'offsets committed',
        );
        return;
      case 'failed':
      case 'superseded':
        if (outcome.failure) this.#logFailure(topic, outcome.failure);
        return;
      case 'fenced':
        if (outcome.failure) this.#logFailure(topic, outcome.failure);
        if (this.#assignment.isCurrent(generation)) this.#rejoin();
        return;
      case 'offset-changed':
        if (this.#assignment.isCurrent(generation)) {
          this.#resume({ topic, partition: outcome.partition });
        }
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
  #resume(changed: TopicPartition): void {
    this.#options.logger.error(
      { event: 'foreign_offset', ...changed },
      "the committed offset changed outside this consumer (topic recreated or offsets reset); resuming from the broker's offset",
    );
    const { membership } = this.#assignment;
    const partitions = this.#assignment.all().map(({ topic, partition }) => ({ topic, partition }));
    this.#begin(partitions, membership);
    for (const [topic, { tracker }] of this.#progress) {
      if (!partitions.some((one) => one.topic === topic)) continue;
      tracker
        .startingOffsets()
        .then((offsets) => {
          for (const [partition, offset] of offsets)
            this.#client.seek({ topic, partition }, offset);
        })
        .catch(() => {
          // The generation has ended, or the client is restarting and cannot seek: the next join begins anyway
          // at the group's offsets.
        });
    }
  }

  #logFailure(topic: string, { offsets, error }: CommitFailure): void {
    const failure = describeError(error);
    this.#commitFailureLogs
      .get(topic)
      ?.write(
        'warn',
        { event: 'commit_failed', ...described(topic, offsets), error: failure },
        'offsets not committed; if this member leaves, the messages since the last commit are read again',
        failure,
      );
  }

  /** @param topic by default all topics, as the setting lists them */
  #logOfGroup(
    level: 'info' | 'warn',
    line: GroupLine,
    message: string,
    topic = this.#options.topics.join(','),
  ): void {
    const kind = `${line.event} ${topic} ${(line.partitions ?? []).join(' ')}`;
    this.#groupLog.write(level, { ...line, topic }, message, kind);
  }
}

const described = (topic: string, offsets: readonly PartitionOffset[]) => ({
  topic,
  partitions: offsets.map(({ partition, offset }) => ({ partition, offset: offset.toString() })),
});

interface GroupLine {
  readonly event: string;
  readonly partitions?: readonly number[];
}

const kafkajsPorts = (options: GroupConsumerOptions): GroupConsumerPorts => ({
  group: createGroupAdmin(options.kafka, options.groupId),
  createClient: (handlers) => new KafkajsConsumerClient(options, handlers),
});
