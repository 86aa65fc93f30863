import type { BridgeSettings } from './roles.ts';

type BridgeTimeouts = Partial<
  Pick<
    BridgeSettings['bridge'],
    | 'heartbeatIntervalMs'
    | 'sessionTimeoutMs'
    | 'rebalanceTimeoutMs'
    | 'pollTimeoutMs'
    | 'shutdownGraceMs'
  >
>;

/**
 * Timeouts of the bridge that contradict each other, each as one sentence. A timeout that is missing,
 * because it is wrong by itself, contradicts nothing.
 */
export function bridgeTimeoutMistakes(bridge: BridgeTimeouts): readonly string[] {
  const heartbeat = named('KAFKA_HEARTBEAT_INTERVAL_MS', bridge.heartbeatIntervalMs);
  const session = named('KAFKA_SESSION_TIMEOUT_MS', bridge.sessionTimeoutMs);
  const rebalance = named('KAFKA_REBALANCE_TIMEOUT_MS', bridge.rebalanceTimeoutMs);
  const poll = named('KAFKA_POLL_TIMEOUT_MS', bridge.pollTimeoutMs);
  const grace = named('BRIDGE_SHUTDOWN_GRACE_MS', bridge.shutdownGraceMs);
  return [
    heartbeat.ms * 3 > session.ms &&
      `${heartbeat.text} is more than a third of ${session.text}: one late heartbeat would cost the bridge its partitions`,
    heartbeat.ms * 3 > rebalance.ms &&
      `${heartbeat.text} is more than a third of ${rebalance.text}: a bridge would learn of a rebalance too late to rejoin`,
    // kafkajs sends a heartbeat between two fetches only.
    poll.ms * 3 > session.ms &&
      `${poll.text} is more than a third of ${session.text}: no heartbeat is sent while a fetch waits for messages`,
    poll.ms * 3 > rebalance.ms &&
      `${poll.text} is more than a third of ${rebalance.text}: a bridge cannot rejoin while a fetch waits for messages`,
    grace.ms > rebalance.ms &&
      `${grace.text} is more than ${rebalance.text}: the broker would give its partitions to others while the bridge still finishes its messages`,
  ].filter((mistake) => mistake !== false);
}

/** Of what one attempt at storing an order may take: `attemptMs`. */
export function databaseTimeoutMistakes(
  database: { readonly connectTimeoutMs?: number; readonly statementTimeoutMs?: number },
  attemptMs: number,
): readonly string[] {
  const connect = named('DATABASE_CONNECT_TIMEOUT_MS', database.connectTimeoutMs);
  const statement = named('DATABASE_STATEMENT_TIMEOUT_MS', database.statementTimeoutMs);
  return connect.ms + statement.ms >= attemptMs
    ? [
        `${connect.text} and ${statement.text} together are not less than ${attemptMs} ms, which one attempt at storing an order may take: it would be repeated while the statement of the one before still runs`,
      ]
    : [];
}

const named = (name: string, ms: number | undefined) => ({
  ms: ms ?? Number.NaN,
  text: `${name} (${ms})`,
});
