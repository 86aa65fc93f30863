import { httpSettings } from './http-settings.ts';
import { choice, integer, settingGroup } from './setting.ts';
import { z } from 'zod';

export const bridgeSettings = settingGroup({
  groupId: {
    name: 'KAFKA_GROUP_ID',
    schema: z.string().min(1, { error: 'expected at least 1 character' }),
    // An inherited name, kept on purpose: the offsets of existing deployments are stored under it.
    default: 'storage_loader',
    description:
      'The consumer group. Bridges of the same topics share a group; each service that needs all orders uses its own group.',
  },
  autoOffsetReset: {
    name: 'KAFKA_AUTO_OFFSET_RESET',
    schema: choice(['earliest', 'latest', 'none']),
    default: 'earliest',
    description:
      'Where a group without committed offsets starts: at the oldest message, at the end, or not at all (`none` ends the bridge with an error). It applies only to the first start of a group. Partitions that are added later are always read from the beginning, so that no message is skipped.',
  },
  sessionTimeoutMs: {
    name: 'KAFKA_SESSION_TIMEOUT_MS',
    schema: integer(6000, 1_800_000),
    default: '15000',
    description:
      'How long the broker waits for a heartbeat before it removes a bridge from the group and reassigns its partitions. A crashed bridge, and one that restarts after a crash, delays its partitions by this time. A false alarm costs only repeated starts, which Temporal recognizes, so the default is as short as five missed heartbeats.',
  },
  heartbeatIntervalMs: {
    name: 'KAFKA_HEARTBEAT_INTERVAL_MS',
    schema: integer(100, 600_000),
    default: '3000',
    description:
      'How often a bridge sends a heartbeat. At most a third of the session timeout and of the rebalance timeout.',
  },
  rebalanceTimeoutMs: {
    name: 'KAFKA_REBALANCE_TIMEOUT_MS',
    schema: integer(1000, 1_800_000),
    default: '30000',
    description:
      'How long the broker waits for all bridges to rejoin the group when one joins or leaves.',
  },
  pollTimeoutMs: {
    name: 'KAFKA_POLL_TIMEOUT_MS',
    schema: integer(10, 60_000),
    default: '1000',
    description:
      'How long the broker may hold a fetch when there is no message. A new message ends the wait, so this adds no latency, but it delays a shutdown. At most a third of the session timeout and of the rebalance timeout, because no heartbeat is sent during a fetch.',
  },
  fetchMaxBytes: {
    name: 'KAFKA_FETCH_MAX_BYTES',
    schema: integer(1024, 104_857_600),
    default: '1048576',
    description:
      'Maximum bytes to fetch from one partition at a time. This bounds the memory of the bridge.',
  },
  metadataMaxAgeMs: {
    name: 'KAFKA_METADATA_MAX_AGE_MS',
    schema: integer(100, 3_600_000),
    default: '60000',
    description: 'Maximum time until the bridge notices added partitions.',
  },
  maxConcurrentStarts: {
    name: 'BRIDGE_MAX_CONCURRENT_STARTS',
    schema: integer(1, 10_000),
    default: '50',
    description:
      'Maximum number of messages in progress at a time, over all partitions. While Temporal throttles, the bridge sends fewer starts concurrently.',
  },
  maxWaitingOrders: {
    name: 'BRIDGE_MAX_WAITING_ORDERS',
    schema: integer(2, 1_000_000),
    default: '200',
    description:
      'Maximum number of orders of one bridge that are open in Temporal (started and not closed; those that wait for a start delay do not count). At this number the bridge stops starting workflows, so that a backlog stays in Kafka, where it costs nothing. If no order closes for ten seconds, the open ones count as stuck and the bridge starts as many again, up to `BRIDGE_MAX_OPEN_ORDERS`.',
  },
  maxOpenOrders: {
    name: 'BRIDGE_MAX_OPEN_ORDERS',
    schema: integer(2, 1_000_000),
    optional: true,
    unsetMeans: '5 × `BRIDGE_MAX_WAITING_ORDERS`',
    description:
      'Maximum number of orders open in Temporal while none of them closes, for instance while Postgres is unavailable. The default, 1,000 unless `BRIDGE_MAX_WAITING_ORDERS` is set, is as many as a worker caches. When another `BRIDGE_MAX_WAITING_ORDERS` would exceed it, the bridge is not ready, and starts one order at a time, at most one per 10 s and later one per minute, until orders close again.',
  },
  startTimeoutMs: {
    name: 'BRIDGE_START_TIMEOUT_MS',
    schema: integer(100, 60_000),
    default: '3000',
    description:
      'Deadline of one call to Temporal. A call that exceeds it is retried with the same request ID.',
  },
  maxInputBytes: {
    name: 'BRIDGE_MAX_INPUT_BYTES',
    schema: integer(1024, 2_097_152),
    default: '1900000',
    description:
      'Maximum size of a workflow input. A larger message becomes a dead letter (`too-large`). The limit of Temporal is 2 MiB (`limit.blobSize.error`); the difference is reserved for what is sent with the input.',
  },
  commitIntervalMs: {
    name: 'BRIDGE_COMMIT_INTERVAL_MS',
    schema: integer(10, 60_000),
    default: '5000',
    description:
      'How often offsets are committed. After a crash, the starts since the last commit are repeated, which Temporal recognizes.',
  },
  shutdownGraceMs: {
    name: 'BRIDGE_SHUTDOWN_GRACE_MS',
    schema: integer(0, 600_000),
    default: '10000',
    description:
      'How long a shutdown waits for the messages in progress before it leaves them to the next bridge. At most the rebalance timeout. The program ends within five more seconds.',
  },
  breakerMaxPercent: {
    name: 'BRIDGE_BREAKER_MAX_PERCENT',
    schema: integer(1, 100),
    default: '50',
    description:
      'Circuit breaker: if more than this percentage of the recent messages are dead letters, the bridge stops consuming for a while, so that a producer with a wrong format does not fill the dead-letter topic. 100 disables it.',
  },
  breakerWindow: {
    name: 'BRIDGE_BREAKER_WINDOW',
    schema: integer(10, 1_000_000),
    default: '200',
    description:
      'How many recent messages the circuit breaker considers. It does not open before it has seen that many.',
  },
  breakerPauseMs: {
    name: 'BRIDGE_BREAKER_PAUSE_MS',
    schema: integer(100, 86_400_000),
    default: '300000',
    description:
      'How long the bridge stops consuming when the circuit breaker opens. A restart or `POST /resume` ends the pause.',
  },
  ...httpSettings('BRIDGE', { port: '9464', accepts: ' and accepts `POST /resume`' }),
  lagIntervalMs: {
    name: 'BRIDGE_LAG_INTERVAL_MS',
    schema: integer(100, 3_600_000),
    default: '15000',
    description: 'How often the bridge reads its lag from the broker, for its metrics.',
  },
  progressIntervalMs: {
    name: 'BRIDGE_PROGRESS_INTERVAL_MS',
    schema: integer(100, 3_600_000),
    default: '10000',
    description: 'How often the bridge logs its message counts, if they have changed.',
  },
});
