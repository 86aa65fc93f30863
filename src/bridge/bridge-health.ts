import type { LogAnomaly } from '../kafka/consumer/consumed-message.ts';
import type { GroupConsumer } from '../kafka/consumer/group-consumer.ts';
import { describeMembers, type GroupMember } from '../kafka/group-members.ts';
import type { GroupWatch } from '../kafka/group-watch.ts';
import type { Clock } from '../program/clock.ts';
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

/** Fails while partitions have no leader. */
const PARTITIONS = 'partitions';
/** Fails while the committed offset of a partition with lag does not move. */
const COMMITS = 'committed offsets';
/** Fails from a log anomaly until an operator acknowledges it. */
export const LOG_CONDITION = 'log';

export interface BridgeHealthSources {
  readonly topic: string;
  readonly groupId: string;
  readonly consumer: Pick<GroupConsumer, 'disconnectedReason' | 'offlinePartitions' | 'partitions'>;
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
  const { topic, groupId, consumer, watchdog, group, breaker, backlogLimit, counts } = sources;
  readiness.check('circuit breaker', () => breaker.reason());
  readiness.check('open orders', () => backlogLimit.reason());
  readiness.check('consumer group', () =>
    foreignMembersReason(group.latest().foreign, groupId, topic),
  );
  readiness.check('Kafka', () => consumer.disconnectedReason ?? watchdog.unreadyReason());
  readiness.check(PARTITIONS, () => offlineReason(consumer.offlinePartitions, topic));

  const commitStallDetector = new CommitStallDetector(
    () => ({ partitions: group.latest().partitions, own: consumer.partitions }),
    sources.clock,
  );
  readiness.check(COMMITS, () => commitStallDetector.reason());

  const stallDetector = new StallDetector({
    inFlight: () => counts.inFlight,
    finished: () => counts.recorded,
    // These two conditions do not explain a stall: a partition without a leader does not delay the messages of the others,
    // and an offset that does not move is what messages that never finish lead to.
    isDelayKnown: () =>
      Object.keys(readiness.reasons()).some((name) => name !== PARTITIONS && name !== COMMITS) ||
      sources.isThrottled(),
    ...(sources.clock && { clock: sources.clock }),
  });
  liveness.check('consumer', () => watchdog.hungReason());
  liveness.check('messages', () => stallDetector.reason());
  return () => {
    stallDetector.stop();
    commitStallDetector.stop();
  };
}

/** Why the bridge is not ready when members of its group subscribe to other topics; undefined if none do. */
export const foreignMembersReason = (
  foreign: readonly GroupMember[],
  groupId: string,
  topic: string,
): string | undefined =>
  foreign.length === 0
    ? undefined
    : `members of the group "${groupId}" subscribe to other topics than "${topic}", so some of its partitions may not be read: ${describeMembers(foreign)}; give the bridges of each topic their own KAFKA_GROUP_ID`;

const offlineReason = (partitions: readonly number[], topic: string): string | undefined =>
  partitions.length === 0
    ? undefined
    : `${partitions.length === 1 ? 'partition' : 'partitions'} ${partitions.join(', ')} of "${topic}" cannot be read: no leader; the others are read`;

/**
 * Reports messages that Kafka has lost: in the log, in a metric, and by making the bridge not ready until an
 * operator acknowledges it. The bridge continues with the remaining messages.
 */
export function reportLogAnomaly(
  anomaly: LogAnomaly,
  parts: {
    readonly topic: string;
    readonly logger: Logger;
    readonly readiness: Conditions;
    readonly metrics: Pick<BridgeMetrics, 'lost'>;
  },
): void {
  const { topic, logger, readiness, metrics } = parts;
  const { kind, partition, from, to } = anomaly;
  const text = `${topic}, partition ${partition}: ${describeLogAnomaly(anomaly)}`;
  const offsets = { from: from?.toString(), to: to.toString() };
  logger.error({ event: kind.replace('-', '_'), topic, partition, ...offsets }, text);
  readiness.fail(LOG_CONDITION, `${text}; POST /resume acknowledges it`);
  // If the number of lost messages is unknown, 1 shows that there were some.
  const isCountKnown = kind === 'messages-lost' && from !== undefined;
  metrics.lost(partition, isCountKnown ? Number(to - from) : 1);
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
