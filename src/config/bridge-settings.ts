import { choice, integer, settingGroup, text } from './setting.ts';
import { z } from 'zod';

export const bridgeSettings = settingGroup({
  groupId: {
    name: 'KAFKA_GROUP_ID',
    schema: z.string().min(1, { error: 'expected at least 1 character' }),
    default: 'storage_loader',
    description: 'The consumer group. Each service that wants all orders takes a group of its own.',
  },
  autoOffsetReset: {
    name: 'KAFKA_AUTO_OFFSET_RESET',
    schema: choice(['earliest', 'latest', 'none']),
    default: 'earliest',
    description:
      "Where a group begins that has never committed: at the oldest message, at the end, or not at all (`none` ends the bridge with an error). Only a group's first start asks this; partitions that are added later are always read from their beginning, so that nothing is skipped.",
  },
  sessionTimeoutMs: {
    name: 'KAFKA_SESSION_TIMEOUT_MS',
    schema: integer(6000, 1_800_000),
    default: '15000',
    description:
      'After how long without a heartbeat the broker gives the partitions of a bridge to the others. A dead bridge is noticed this late, and a bridge restarted after a crash waits this long: five minutes would be far too many. A false alarm costs only repeated starts, which Temporal recognises, so the default is five missed heartbeats.',
  },
  heartbeatIntervalMs: {
    name: 'KAFKA_HEARTBEAT_INTERVAL_MS',
    schema: integer(100, 600_000),
    default: '3000',
    description:
      'How often a bridge sends a heartbeat; at most a third of the session timeout and of the rebalance timeout.',
  },
  rebalanceTimeoutMs: {
    name: 'KAFKA_REBALANCE_TIMEOUT_MS',
    schema: integer(1000, 1_800_000),
    default: '30000',
    description: 'How long the broker waits for all bridges to rejoin when one comes or goes.',
  },
  pollTimeoutMs: {
    name: 'KAFKA_POLL_TIMEOUT_MS',
    schema: integer(10, 60_000),
    default: '1000',
    description:
      'How long the broker may hold a fetch while there is no message. A new message ends the wait, so this adds no latency; it only delays a shutdown. At most a third of the session timeout and of the rebalance timeout: no heartbeat is sent while a fetch waits.',
  },
  fetchMaxBytes: {
    name: 'KAFKA_FETCH_MAX_BYTES',
    schema: integer(1024, 104_857_600),
    default: '1048576',
    description:
      'Most bytes to fetch from one partition at a time: bounds the memory of the bridge.',
  },
  metadataMaxAgeMs: {
    name: 'KAFKA_METADATA_MAX_AGE_MS',
    schema: integer(100, 3_600_000),
    default: '60000',
    description: 'After how long at the most the bridge notices partitions that have been added.',
  },
  maxConcurrentStarts: {
    name: 'BRIDGE_MAX_CONCURRENT_STARTS',
    schema: integer(1, 10_000),
    default: '50',
    description:
      'Messages that may be under way at once, over all partitions. While Temporal throttles, fewer starts are sent at a time.',
  },
  maxWaitingOrders: {
    name: 'BRIDGE_MAX_WAITING_ORDERS',
    schema: integer(2, 1_000_000),
    default: '200',
    description:
      'Orders of one bridge that may be open in Temporal (started and not closed) before it holds further starts back, so that a backlog stays in Kafka, where it costs nothing. Orders that have not closed for ten seconds while no other did count as stuck, and as many again are started beside them, up to `BRIDGE_MAX_OPEN_ORDERS`.',
  },
  maxOpenOrders: {
    name: 'BRIDGE_MAX_OPEN_ORDERS',
    schema: integer(2, 1_000_000),
    optional: true,
    description:
      'Orders that may be open in Temporal while none of them closes, such as while Postgres is unavailable; five times `BRIDGE_MAX_WAITING_ORDERS` if unset, which by default is 1,000, as many as a worker keeps in its cache. The bridge is then not ready and starts one order at a time, at most one per 10 s and later one per minute, until orders close again.',
  },
  startTimeoutMs: {
    name: 'BRIDGE_START_TIMEOUT_MS',
    schema: integer(100, 60_000),
    default: '3000',
    description:
      'Deadline of one call to Temporal. A call that misses it is repeated with the same request ID.',
  },
  maxInputBytes: {
    name: 'BRIDGE_MAX_INPUT_BYTES',
    schema: integer(1024, 2_097_152),
    default: '1900000',
    description:
      "Largest workflow input. A message that exceeds it is a dead letter (`too-large`). Temporal's own limit is 2 MiB (`limit.blobSize.error`); the rest is left for what surrounds the input.",
  },
  commitIntervalMs: {
    name: 'BRIDGE_COMMIT_INTERVAL_MS',
    schema: integer(10, 60_000),
    default: '5000',
    description:
      'How often offsets are committed at the most. A crash repeats the starts that finished since, which Temporal recognises.',
  },
  shutdownGraceMs: {
    name: 'BRIDGE_SHUTDOWN_GRACE_MS',
    schema: integer(0, 600_000),
    default: '10000',
    description:
      'How long a shutdown waits for the messages in flight before it leaves them to the next bridge; at most the rebalance timeout. The program ends within five more seconds.',
  },
  breakerMaxPercent: {
    name: 'BRIDGE_BREAKER_MAX_PERCENT',
    schema: integer(1, 100),
    default: '50',
    description:
      'Share of dead letters among the recent messages above which the bridge stops consuming for a while; 100 switches this off. A producer that has changed its format is found sooner than a million dead letters later.',
  },
  breakerWindow: {
    name: 'BRIDGE_BREAKER_WINDOW',
    schema: integer(10, 1_000_000),
    default: '200',
    description: 'How many messages are recent. Fewer than that are not judged.',
  },
  breakerPauseMs: {
    name: 'BRIDGE_BREAKER_PAUSE_MS',
    schema: integer(100, 86_400_000),
    default: '300000',
    description:
      'How long the bridge then waits before it tries again. A restart or `POST /resume` ends the wait.',
  },
  httpHost: {
    name: 'BRIDGE_HTTP_HOST',
    schema: text,
    default: '127.0.0.1',
    description:
      'Address on which the bridge serves `/livez`, `/readyz` and `/metrics`, and takes `POST /resume`. `0.0.0.0` lets others than this machine ask; nobody is asked for a password.',
  },
  httpPort: {
    name: 'BRIDGE_HTTP_PORT',
    schema: integer(0, 65_535),
    default: '9464',
    description: 'The port of that; 0 takes any free one, which the log names.',
  },
  lagIntervalMs: {
    name: 'BRIDGE_LAG_INTERVAL_MS',
    schema: integer(100, 3_600_000),
    default: '15000',
    description: 'How often the bridge asks the broker how far behind it is, for its metrics.',
  },
  progressIntervalMs: {
    name: 'BRIDGE_PROGRESS_INTERVAL_MS',
    schema: integer(100, 3_600_000),
    default: '10000',
    description: 'How often the counts of messages are logged, when they have changed.',
  },
});
