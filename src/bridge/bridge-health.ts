import type { LogAnomaly } from '../kafka/consumer/consumed-message.ts';
import type { GroupConsumer } from '../kafka/consumer/group-consumer.ts';
import { describeMembers, type GroupMember } from '../kafka/group-members.ts';
import type { GroupWatch, OverlappingMembers } from '../kafka/group-watch.ts';
import { quoted } from '../kafka/source-topics.ts';
import { partitionKey, type TopicPartition } from '../kafka/topic-partition.ts';
import { systemClock, type Clock } from '../program/clock.ts';
import type { Conditions, Health } from '../telemetry/health/health.ts';
import {
  CommitStallDetector,
  StallDetector,
  type ConsumerWatchdog,
} from '../telemetry/health/watchdog.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { BridgeMetrics } from './bridge-metrics.ts';
import type { BacklogLimit } from './flow-control/backlog-limit.ts';
import type { CircuitBreaker } from './flow-control/circuit-breaker.ts';
import type { OutcomeCounts } from './outcome-counts.ts';

/** Fails while some of the topics do not exist. */
const TOPICS = 'topics';
/** Fails while partitions have no leader. */
const PARTITIONS = 'partitions';
/** Fails while the committed offset of a partition with lag does not move. */
const COMMITS = 'committed offsets';
/** Fails from a log anomaly until an operator acknowledges it. */
export const LOG_CONDITION = 'log';

/** How long a rolling upgrade that changes the topics may take from one bridge to the next. */
const OVERLAP_ALLOWED_MS = 600_000;

export interface BridgeHealthSources {
  readonly topics: readonly string[];
  readonly groupId: string;
  readonly consumer: Pick<
    GroupConsumer,
    'disconnectedReason' | 'missingTopics' | 'offlinePartitions' | 'partitions'
  >;
  readonly watchdog: Pick<ConsumerWatchdog, 'unreadyReason' | 'hungReason'>;
  readonly group: Pick<GroupWatch, 'latest'>;
  readonly breaker: Pick<CircuitBreaker, 'reason'>;
  readonly backlogLimit: Pick<BacklogLimit, 'reason'>;
  readonly counts: Pick<OutcomeCounts, 'inFlight' | 'recorded'>;
  /** Whether Temporal throttles: starts are then delayed, although no condition fails. */
  readonly isThrottled: () => boolean;
  readonly clock?: Clock;
}

/**
 * Registers the checks that are evaluated when the health of the bridge is read. Events set the other
 * conditions: calls to a dependency (DependencyHealth), a log anomaly, the shutdown.
 *
 * @returns a function that stops the stall detector
 */
export function checkBridgeHealth(
  { readiness, liveness }: Health,
  sources: BridgeHealthSources,
): () => void {
  const { topics, groupId, consumer, watchdog, group, breaker, backlogLimit, counts } = sources;
  const clock = sources.clock ?? systemClock;
  readiness.check('circuit breaker', () => breaker.reason());
  readiness.check('open orders', () => backlogLimit.reason());
  readiness.check('consumer group', () => {
    const { foreign, overlapping } = group.latest();
    return (
      foreignMembersReason(foreign, groupId, topics) ??
      overlappingMembersReason(overlapping, { groupId, topics, now: clock.now() })
    );
  });
  readiness.check('Kafka', () => consumer.disconnectedReason ?? watchdog.unreadyReason());
  readiness.check(TOPICS, () => missingTopicsReason(consumer.missingTopics));
  readiness.check(PARTITIONS, () => offlineReason(consumer.offlinePartitions, topics));

  const commitStallDetector = new CommitStallDetector(() => {
    const { partitions: own } = consumer;
    return {
      partitions: group.latest().partitions,
      isOwn: (partition) => own.has(partitionKey(partition)),
    };
  }, clock);
  readiness.check(COMMITS, () => commitStallDetector.reason());

  const stallDetector = new StallDetector({
    inFlight: () => counts.inFlight,
    finished: () => counts.recorded,
    // These conditions do not explain a stall: a missing topic and a partition without a leader do not delay the
    // messages of the others, and an offset that does not move is what messages that never finish lead to.
    isDelayKnown: () =>
      Object.keys(readiness.reasons()).some((name) => !NO_DELAY.includes(name)) ||
      sources.isThrottled(),
    clock,
  });
  liveness.check('consumer', () => watchdog.hungReason());
  liveness.check('messages', () => stallDetector.reason());
  return () => {
    stallDetector.stop();
    commitStallDetector.stop();
  };
}

/** The conditions that do not delay the messages in flight. */
const NO_DELAY: readonly string[] = [TOPICS, PARTITIONS, COMMITS];

/** Why the bridge is not ready when members of its group read none of its topics; undefined if none do. */
export const foreignMembersReason = (
  foreign: readonly GroupMember[],
  groupId: string,
  topics: readonly string[],
): string | undefined =>
  foreign.length === 0
    ? undefined
    : `members of the group "${groupId}" subscribe to other topics than ${quoted(topics)}, so some of ${topics.length === 1 ? 'its' : 'their'} partitions may not be read: ${describeMembers(foreign)}; give the bridges of each topic their own KAFKA_GROUP_ID`;

/**
 * Why the bridge is not ready when members of its group share some of its topics and have others: only when
 * these members have been the same for ten minutes. A rolling upgrade that changes the topics replaces them
 * one after the other, and must not wait for the readiness of bridges that wait for its end.
 */
export function overlappingMembersReason(
  { members, since }: OverlappingMembers,
  { groupId, topics, now }: { groupId: string; topics: readonly string[]; now: number },
): string | undefined {
  if (members.length === 0 || now - since < OVERLAP_ALLOWED_MS) return undefined;
  return `members of the group "${groupId}" have been subscribed to topics other than ${quoted(topics)} for ${Math.floor((now - since) / 60_000)} min: ${describeMembers(members)}; complete the rolling upgrade, or set the same KAFKA_TOPIC for all bridges of the group`;
}

const missingTopicsReason = (topics: readonly string[]): string | undefined =>
  topics.length === 0
    ? undefined
    : `${quoted(topics)} ${topics.length === 1 ? 'does' : 'do'} not exist; the other topics are read; run \`order-ingest setup --only kafka\`, or correct KAFKA_TOPIC`;

function offlineReason(
  offline: readonly TopicPartition[],
  topics: readonly string[],
): string | undefined {
  if (offline.length === 0) return undefined;
  const texts = topics.flatMap((topic) => {
    const numbers = offline.flatMap((one) => (one.topic === topic ? [one.partition] : []));
    if (numbers.length === 0) return [];
    return [
      `${numbers.length === 1 ? 'partition' : 'partitions'} ${numbers.join(', ')} of "${topic}"`,
    ];
  });
  return `${texts.join(' and ')} cannot be read: no leader; the others are read`;
}

/**
 * Reports messages that Kafka has lost: in the log, in a metric, and by making the bridge not ready until an
 * operator acknowledges it. The bridge continues with the remaining messages.
 */
export function reportLogAnomaly(
  anomaly: LogAnomaly,
  parts: {
    readonly logger: Logger;
    readonly readiness: Conditions;
    readonly metrics: Pick<BridgeMetrics, 'lost'>;
  },
): void {
  const { logger, readiness, metrics } = parts;
  const { kind, topic, partition, from, to } = anomaly;
  const text = `${topic}, partition ${partition}: ${describeLogAnomaly(anomaly)}`;
  const offsets = { from: from?.toString(), to: to.toString() };
  logger.error({ event: kind.replace('-', '_'), topic, partition, ...offsets }, text);
  readiness.fail(LOG_CONDITION, `${text}; POST /resume acknowledges it`);
  // If the number of lost messages is unknown, 1 shows that there were some.
  const isCountKnown = kind === 'messages-lost' && from !== undefined;
  metrics.lost({ topic, partition }, isCountKnown ? Number(to - from) : 1);
}

function describeLogAnomaly(anomaly: LogAnomaly): string {
  switch (anomaly.kind) {
    case 'messages-lost':
      return anomaly.from === undefined
        ? `messages before offset ${anomaly.to} were deleted before they were read; how many is unknown`
        : `offsets ${anomaly.from} to ${anomaly.to - 1n} were deleted before they were read`;
    case 'log-restarted':
      return `the group was at offset ${anomaly.from}, but the log has restarted: the topic was recreated, or the broker has lost the end of the log; reading from offset ${anomaly.to}`;
    default:
      return anomaly satisfies never;
  }
}
