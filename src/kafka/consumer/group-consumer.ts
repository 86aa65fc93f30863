import kafkajs, { type Batch, type Cluster, type Consumer, type EachBatchPayload } from 'kafkajs';
import { describeError } from '../../program/operator-error.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { createLogRateLimit } from '../../telemetry/log-rate-limit.ts';
import { askBroker } from '../ask-broker.ts';
import { Comeback } from './comeback.ts';
import { committedOffsets } from '../committed-offsets.ts';
import { ConnectionLog, ConnectionState } from './connection-state.ts';
import { commitOfGeneration, type InvisibleBatch } from '../patches/consumer-group.ts';
import { createGroupClient, type GroupClient } from './group-client.ts';
import { createKafkajsConsumer, type KafkajsConsumerOptions } from './kafkajs-consumer.ts';
import { Membership, type Generation } from './membership.ts';
import { OffsetCommitter } from './offset-committer.ts';
import { partitionsWithoutLeader } from '../patches/offline-partitions.ts';
import type { PartitionBatch } from './message-consumer.ts';
import { PositionLedger, type LogAnomaly } from './position-ledger.ts';

export interface GroupConsumerOptions extends KafkajsConsumerOptions {
  readonly topic: string;
  readonly commitIntervalMs: number;
  readonly logger: Logger;
  /** Resolves when nothing of the batch is under way any more, finished or not. */
  readonly onBatch: (batch: PartitionBatch) => Promise<void>;
  readonly onLogAnomaly: (trouble: LogAnomaly) => void;
  /** The consumer gives a sign of life: the broker has answered, or has been tried again. */
  readonly onActivity: () => void;
  /** The consumer has ended for good, and will not come back by itself. */
  readonly onCrash: (error: Error) => void;
}

/**
 * A member of the consumer group that commits only what is finished, and only for partitions it
 * still owns. It restarts by itself after what kafkajs ends a consumer for.
 */
export class GroupConsumer {
  readonly #options: GroupConsumerOptions;
  readonly #consumer: Consumer;
  readonly #cluster: Cluster;
  readonly #group: GroupClient;
  readonly #ledger = new PositionLedger();
  readonly #committer: OffsetCommitter;
  readonly #connection = new ConnectionState();
  readonly #connectionLog: ConnectionLog;
  /** Of lines about crashes, and of those about the group, which may go through the same states often. */
  readonly #crashLines = createLogRateLimit();
  readonly #groupLines = createLogRateLimit();
  #membership: Membership;
  #commitTimer: NodeJS.Timeout | undefined;
  readonly #comeback: Comeback;
  /** The membership has ended for us, and kafkajs has not joined the group again yet. */
  #mustRejoin = false;
  /** By partition the last batch that kafkajs moves past by itself, and in which membership it was fetched. */
  readonly #invisible = new Map<number, InvisibleBatch & { readonly membership: Membership }>();

  constructor(options: GroupConsumerOptions) {
    const { kafka, groupId, topic } = options;
    this.#options = options;
    this.#connectionLog = new ConnectionLog(options.logger);
    this.#group = createGroupClient(kafka, groupId, topic);
    this.#committer = new OffsetCommitter({
      ...options,
      group: this.#group,
      ledger: this.#ledger,
      onForeignOffset: (partition) => {
        this.#startOver(partition);
      },
      onExpelled: () => {
        this.#rejoin();
      },
    });
    this.#membership = this.#join([], undefined);
    const { consumer, cluster } = createKafkajsConsumer(options, {
      fetched: (broker, brokers) => {
        this.#connection.fetched(broker, brokers);
        this.#noteConnection();
      },
      nothingToFetch: (broker, brokers) => {
        this.#connection.nothingToFetch(broker, brokers);
        this.#noteConnection();
      },
      fetchFailed: (broker, error) => {
        this.#connection.fetchFailed(broker, error);
        this.#noteConnection();
      },
      groupFailed: (error) => {
        this.#connection.groupFailed(error);
        this.#noteConnection();
      },
      invisibleBatch: (batch) => {
        this.#invisible.set(batch.partition, { ...batch, membership: this.#membership });
      },
      beforeRestart: () => this.#comeback.beforeRestart(),
    });
    this.#consumer = consumer;
    this.#cluster = cluster;
    this.#comeback = new Comeback({ run: () => this.#run(), onFinalCrash: options.onCrash });
  }

  async start(): Promise<void> {
    const { kafka, groupId, topic, commitIntervalMs } = this.#options;
    this.#listen();
    this.#ledger.remember(
      await askBroker(kafka, (admin) => committedOffsets(admin, groupId, topic)),
    );
    await this.#consumer.connect();
    await this.#consumer.subscribe({ topic, fromBeginning: true });
    await this.#run();
    this.#commitTimer = setInterval(() => void this.#committer.flush(), commitIntervalMs);
  }

  /** The partitions that this member reads now. */
  get partitions(): ReadonlySet<number> {
    return this.#membership.partitions;
  }

  /** Those of them that no broker leads: they are read as soon as one does. */
  get offlinePartitions(): readonly number[] {
    const { partitions } = this.#membership;
    return partitionsWithoutLeader(this.#cluster, this.#options.topic).filter((partition) =>
      partitions.has(partition),
    );
  }

  /** Why the consumer does not count as connected, or undefined when it does. */
  get disconnectedReason(): string | undefined {
    return this.#connection.reason();
  }

  /** How long the oldest of what is finished has waited for its commit, in milliseconds. */
  get commitAgeMs(): number {
    return this.#committer.ageMs;
  }

  /** Fetches nothing more; the batches at hand go on. */
  pause(): void {
    try {
      this.#consumer.pause([{ topic: this.#options.topic }]);
    } catch {
      // It is between two memberships and fetches nothing anyway.
    }
  }

  /** Commits, leaves the group and closes. To be called when no batch is under way. */
  async stop(): Promise<void> {
    clearInterval(this.#commitTimer);
    await this.#comeback.stop();
    await this.#committer.flush();
    this.#membership.end();
    await Promise.all([this.#consumer.disconnect(), this.#committer.close()]).catch(
      (error: unknown) => {
        this.#options.logger.warn(
          { event: 'consumer_close_error', error: describeError(error) },
          'the group learns of the departure by the session timeout',
        );
      },
    );
  }

  #listen(): void {
    const { topic, logger, onActivity } = this.#options;
    const { GROUP_JOIN, REBALANCING, CRASH, HEARTBEAT, FETCH, END_BATCH_PROCESS } =
      this.#consumer.events;
    for (const event of [GROUP_JOIN, CRASH, HEARTBEAT, FETCH]) {
      this.#consumer.on(event, onActivity);
    }
    this.#consumer.on(GROUP_JOIN, ({ payload }) => {
      const partitions = payload.memberAssignment[topic] ?? [];
      this.#connection.joined();
      this.#connectionLog.update(this.#connection);
      const commit = commitOfGeneration(this.#cluster);
      this.#openEpoch(partitions, { memberId: payload.memberId, commit });
      this.#mustRejoin = false;
      this.#logOfGroup(
        'info',
        { event: 'partitions_assigned', partitions },
        'joined the consumer group',
      );
    });
    this.#consumer.on(HEARTBEAT, () => {
      this.#connection.heartbeatSucceeded();
      this.#noteConnection();
    });
    this.#consumer.on(REBALANCING, () => {
      this.#logOfGroup('info', { event: 'group_rebalancing' }, 'the consumer group is rebalancing');
      // Written to the coordinator before the request to join: still the old membership.
      this.#committer.flushNow();
    });
    this.#consumer.on(CRASH, ({ payload }) => {
      const { restart } = payload;
      const error = describeError(payload.error);
      const leftOut = this.#crashLines.admit(`${String(restart)} ${error}`);
      logger[leftOut === undefined ? 'debug' : 'error'](
        { event: 'kafka_poll_error', error, restart, ...(leftOut ? { leftOut } : {}) },
        'consumer failed',
      );
      this.#connection.crashed(payload.error);
      this.#noteConnection();
      if (payload.restart) return;
      this.#openEpoch([], undefined);
      this.#comeback.afterCrash(payload.error);
    });
    this.#consumer.on(END_BATCH_PROCESS, ({ payload }) => {
      if (payload.batchSize > 0) return;
      const batch = this.#invisible.get(payload.partition);
      if (!batch || batch.lastOffset !== payload.lastOffset) return;
      void batch.membership.skipInvisible(
        payload.partition,
        BigInt(batch.fetchedOffset),
        BigInt(batch.lastOffset),
      );
    });
  }

  #noteConnection(): void {
    this.#connectionLog.update(this.#connection);
    if (this.#connection.isFailing) return;
    this.#comeback.succeeded();
    this.#crashLines.reset();
  }

  /** Logs a line about the group, again at most once a minute. */
  #logOfGroup(level: 'info' | 'warn' | 'error', line: GroupLine, message: string): void {
    const { logger, topic } = this.#options;
    const leftOut = this.#groupLines.admit(`${line.event} ${(line.partitions ?? []).join(' ')}`);
    const entry = { ...line, topic, ...(leftOut ? { leftOut } : {}) };
    logger[leftOut === undefined ? 'debug' : level](entry, message);
  }

  #run(): Promise<void> {
    return this.#consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      partitionsConsumedConcurrently: MAX_PARTITIONS_AT_ONCE,
      eachBatch: (payload) => this.#consume(payload),
    });
  }

  #openEpoch(partitions: readonly number[], generation: Generation | undefined): void {
    this.#membership.end();
    this.#committer.openEpoch(generation);
    this.#membership = this.#join(partitions, generation);
  }

  #join(partitions: readonly number[], generation: Generation | undefined): Membership {
    const { topic, onLogAnomaly: onTrouble } = this.#options;
    return new Membership(
      {
        group: this.#group,
        generation,
        ledger: this.#ledger,
        committer: this.#committer,
        onLogAnomaly: onTrouble,
        seek: (partition, offset) => {
          this.#consumer.seek({ topic, partition, offset: offset.toString() });
        },
      },
      partitions,
    );
  }

  async #consume(payload: EachBatchPayload): Promise<void> {
    const { batch } = payload;
    const { partition } = batch;
    const membership = this.#membership;
    if (this.#mustRejoin) throw REJOIN;
    // Fetched before the group last joined, and only now its turn.
    if (!membership.owns(partition)) return;
    if (!(await membership.isNext(partition, fetchedOffset(batch)))) return;
    await this.#options.onBatch({
      topic: batch.topic,
      partition,
      messages: batch.messages,
      lastOffset: batch.lastOffset(),
      revoked: membership.lost,
      heartbeat: () => payload.heartbeat(),
      markFinishedUpTo: (nextOffset) => {
        if (membership.lost.aborted) return;
        payload.resolveOffset((nextOffset - 1n).toString());
        membership.moveTo(partition, nextOffset);
      },
    });
  }

  /** Continues from what the broker has now, as the same member. */
  #startOver(partition: number): void {
    const { topic, logger } = this.#options;
    logger.error(
      { event: 'foreign_offset', topic, partition },
      'the group has another offset than this bridge has committed: the topic was deleted and created again, or the offsets were changed; continuing from what the broker has',
    );
    const { partitions, generation } = this.#membership;
    this.#openEpoch([...partitions], generation);
    // Ends early only when the membership does.
    this.#membership.seekToPositions().catch(() => undefined);
  }

  /** Gives up what is in flight; kafkajs joins the group again at the next batch or heartbeat. */
  #rejoin(): void {
    this.#logOfGroup(
      'warn',
      { event: 'membership_lost' },
      'the consumer group has excluded this bridge, which did not answer in time; joining it again',
    );
    this.#openEpoch([], undefined);
    this.#mustRejoin = true;
  }
}

/**
 * What kafkajs joins the group again for. `consumer.stop()` and `run()` would do so too, but beside a
 * crash of kafkajs's own they leave two consumers in this process, both of them members, and the one
 * that we do not hear of holds its partitions forever.
 */
const REJOIN = new kafkajs.KafkaJSProtocolError(
  Object.assign(new Error('the membership has ended'), { type: 'REBALANCE_IN_PROGRESS', code: 27 }),
);

interface GroupLine {
  readonly event: string;
  readonly partitions?: readonly number[];
}

/** Batches are cheap to hold: what runs at once is limited by the bridge over all of them. */
const MAX_PARTITIONS_AT_ONCE = 64;

/** Where the fetch began. kafkajs has it, but not in its types. */
function fetchedOffset(batch: Batch): bigint {
  const fetched: unknown = 'fetchedOffset' in batch ? batch.fetchedOffset : undefined;
  return BigInt(typeof fetched === 'string' ? fetched : (batch.messages[0]?.offset ?? 0));
}
