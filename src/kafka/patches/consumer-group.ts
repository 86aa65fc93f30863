import { AsyncLocalStorage } from 'node:async_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import Broker from 'kafkajs/src/broker/index.js';
import ConsumerGroup from 'kafkajs/src/consumer/consumerGroup.js';
import type { CommitOnce } from '../consumer/offset-committer.ts';

/** A batch in which there is nothing but control records and aborted messages. */
export interface InvisibleBatch {
  readonly partition: number;
  /** Where the fetch began. */
  readonly fetchedOffset: string;
  readonly lastOffset: string;
}

/** Learns what kafkajs's consumer does not say in its events. */
export interface GroupObserver {
  /** The broker has answered a fetch, without an error. `brokers` are all that the cluster has now. */
  fetched(broker: string, brokers: readonly string[]): void;
  /** None of this member's partitions is led by the broker. */
  nothingToFetch(broker: string, brokers: readonly string[]): void;
  fetchFailed(broker: string, error: Error): void;
  /** A heartbeat or a join has failed, and not because the group is rebalancing. */
  groupFailed(error: unknown): void;
  /** kafkajs moves past such a batch without a call of its handler. */
  invisibleBatch(batch: InvisibleBatch): void;
}

interface FetchAttempt {
  readonly broker: string;
  readonly observer: GroupObserver | undefined;
  isAnswered: boolean;
  hasFailed: boolean;
}

/** By kafkajs's object for the connections of one client. */
const observers = new WeakMap<object, GroupObserver>();
const groups = new WeakMap<object, ConsumerGroup>();
const attempts = new AsyncLocalStorage<FetchAttempt>();

/** How long to leave a broker alone that cannot be reached while others can. */
const UNREACHABLE_RETRY_MS = 1000;

let isPatched = false;

/** Reports what the consumer does whose partition assigner was given this cluster. */
export function observeGroup(cluster: object, observer: GroupObserver): void {
  patchConsumerGroup();
  observers.set(cluster, observer);
}

/**
 * Commits with the generation that the consumer is in now, once and without a retry, and is refused by
 * the broker in any later one. kafkajs offers that to the handler of a batch only, so not before a first
 * batch with messages, and there with whatever generation it is in by then (kafkajs#1046).
 */
export function commitOfGeneration(cluster: object): CommitOnce {
  const manager = groups.get(cluster)?.offsetManager;
  if (!manager) throw new Error('the consumer has not joined its group');
  return (offsets) => manager.commitOffsets(offsets);
}

/**
 * Two faults of kafkajs 2.2.4 that cannot be worked around from outside:
 * - its FETCH event is emitted after failed fetches too, and no event says that a heartbeat failed;
 * - a broker that cannot be reached stops the fetches from all brokers and in the end restarts the
 *   consumer, although partitions of the others can be read (kafkajs#1439).
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
        const { partition, fetchedOffset } = batch;
        observer.invisibleBatch({ partition, fetchedOffset, lastOffset: batch.lastOffset() });
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

/** The broker has answered, or has not been asked: partitions were added, or the log has lost some. */
const EXPECTED: readonly string[] = [
  'KafkaJSStaleTopicMetadataAssignment',
  'KafkaJSOffsetOutOfRange',
];

const UNREACHABLE: readonly string[] = [
  'KafkaJSConnectionError',
  'KafkaJSRequestTimeoutError',
  'KafkaJSLockTimeout',
];

/** How a broker tells a member to join again. */
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
