import { AsyncLocalStorage } from 'node:async_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import Broker from 'kafkajs/src/broker/index.js';
import type { EachBatchPayload } from 'kafkajs';
import ConsumerGroup from 'kafkajs/src/consumer/consumerGroup.js';
import type { InvisibleBatch } from '../consumer/consumer-client.ts';

/** Receives what kafkajs's consumer does not report in its events. */
export interface GroupObserver {
  /** The broker has answered a fetch without an error. `brokers` are all brokers of the cluster now. */
  readonly fetched: (broker: string, brokers: readonly string[]) => void;
  /** The broker leads none of this member's partitions. */
  readonly nothingToFetch: (broker: string, brokers: readonly string[]) => void;
  readonly fetchFailed: (broker: string, error: Error) => void;
  /** A heartbeat or a join has failed, and not because the group is rebalancing. */
  readonly groupFailed: (error: unknown) => void;
  /** A batch was fetched that kafkajs will move past without calling the handler. */
  readonly invisibleBatch: (batch: InvisibleBatch) => void;
}

interface FetchAttempt {
  readonly broker: string;
  readonly observer: GroupObserver | undefined;
  isAnswered: boolean;
  hasFailed: boolean;
}

/** By kafkajs's cluster object, which every client has one of. */
const observers = new WeakMap<object, GroupObserver>();
const groups = new WeakMap<object, ConsumerGroup>();
const attempts = new AsyncLocalStorage<FetchAttempt>();

/** How long an unreachable broker is not tried again while others can be reached. */
const UNREACHABLE_RETRY_MS = 1000;

let isPatched = false;

/** Reports what the consumer with this cluster does. */
export function observeGroup(cluster: object, observer: GroupObserver): void {
  patchConsumerGroup();
  observers.set(cluster, observer);
}

/**
 * A function that commits in the consumer's current generation, without a retry. The broker rejects it in
 * any later generation.
 *
 * kafkajs 2.2.4 offers a commit only to the handler of a batch, so not before the first batch with messages,
 * and commits there in the generation that the consumer has by then, not in that of the batch (kafkajs#1046).
 *
 * kafkajs keeps sending the commits of a generation to the broker that was the group's coordinator when the
 * generation began. When another broker takes over, the client joins again; if it is rejected because that
 * broker is still loading the group, its heartbeats keep the old generation alive at the new coordinator, while
 * every commit fails at the old one (kafkajs#1779). So commits follow the heartbeats.
 */
export function commitOfGeneration(cluster: object): EachBatchPayload['commitOffsetsIfNecessary'] {
  const group = groups.get(cluster);
  const manager = group?.offsetManager;
  if (!manager) throw new Error('the consumer has not joined its group');
  return (offsets) => {
    manager.coordinator = group.coordinator ?? manager.coordinator;
    return manager.commitOffsets(offsets);
  };
}

/**
 * Corrects two bugs of kafkajs 2.2.4 that cannot be worked around from outside:
 * - the FETCH event is emitted after failed fetches, too, and no event reports a failed heartbeat (no upstream
 *   issue is known);
 * - one unreachable broker stops the fetches from all brokers and finally restarts the consumer, although
 *   the partitions of the other brokers can be read (kafkajs#1439).
 */
function patchConsumerGroup(): void {
  if (isPatched) return;
  isPatched = true;

  const { fetch: fetchFromBroker } = Broker.prototype;
  Broker.prototype.fetch = async function (request) {
    const response = await fetchFromBroker.call(this, request);
    const attempt = attempts.getStore();
    if (attempt) attempt.isAnswered = true;
    return response;
  };

  const { fetch, recoverFromFetch, heartbeat, joinAndSync } = ConsumerGroup.prototype;

  ConsumerGroup.prototype.fetch = function (broker) {
    const observer = observers.get(this.cluster);
    const attempt: FetchAttempt = { broker, observer, isAnswered: false, hasFailed: false };
    return attempts.run(attempt, async () => {
      const batches = await fetch.call(this, broker);
      if (attempt.hasFailed || !observer) return batches;
      if (attempt.isAnswered) observer.fetched(broker, brokersOf(this));
      else observer.nothingToFetch(broker, brokersOf(this));
      for (const batch of batches) {
        if (!batch.isEmptyDueToFiltering()) continue;
        observer.invisibleBatch({
          topic: batch.topic,
          partition: batch.partition,
          fetchedOffset: BigInt(batch.fetchedOffset),
          lastOffset: BigInt(batch.lastOffset()),
        });
      }
      return batches;
    });
  };

  ConsumerGroup.prototype.recoverFromFetch = async function (error) {
    const attempt = attempts.getStore();
    if (!attempt) return recoverFromFetch.call(this, error);
    const { broker, observer } = attempt;
    attempt.hasFailed = true;
    if (!EXPECTED.includes(error.name)) observer?.fetchFailed(broker, error);
    if (UNREACHABLE.includes(error.name) && isAnotherConnected(this, broker)) {
      this.cluster.brokerPool.metadataExpireAt = null;
      await delay(UNREACHABLE_RETRY_MS);
      return;
    }
    try {
      await recoverFromFetch.call(this, error);
    } catch (failure) {
      if (failure instanceof Error) observer?.fetchFailed(broker, failure);
      throw failure;
    }
  };

  ConsumerGroup.prototype.heartbeat = async function (options) {
    await heartbeat.call(this, options).catch((error: unknown) => {
      if (!isRebalance(error)) observers.get(this.cluster)?.groupFailed(error);
      throw error;
    });
  };

  ConsumerGroup.prototype.joinAndSync = async function () {
    groups.set(this.cluster, this);
    await joinAndSync.call(this).catch((error: unknown) => {
      observers.get(this.cluster)?.groupFailed(error);
      throw error;
    });
  };
}

/** The broker has answered, or was not asked: partitions were added, or messages were deleted. */
const EXPECTED: readonly string[] = [
  'KafkaJSStaleTopicMetadataAssignment',
  'KafkaJSOffsetOutOfRange',
];

const UNREACHABLE: readonly string[] = [
  'KafkaJSConnectionError',
  'KafkaJSRequestTimeoutError',
  'KafkaJSLockTimeout',
];

/** The broker's answers to a member that has to join again. */
const REBALANCE: readonly unknown[] = [
  'REBALANCE_IN_PROGRESS',
  'ILLEGAL_GENERATION',
  'UNKNOWN_MEMBER_ID',
  'NOT_COORDINATOR_FOR_GROUP',
];

const isRebalance = (error: unknown): boolean =>
  error instanceof Error && 'type' in error && REBALANCE.includes(error.type);

const isAnotherConnected = ({ cluster }: ConsumerGroup, broker: string): boolean =>
  Object.entries(cluster.brokerPool.brokers).some(
    ([nodeId, other]) => nodeId !== broker && other.isConnected(),
  );

const brokersOf = ({ cluster }: ConsumerGroup): readonly string[] =>
  (cluster.brokerPool.metadata?.brokers ?? []).map(({ nodeId }) => String(nodeId));
