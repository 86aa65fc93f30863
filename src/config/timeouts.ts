import { parseDatabaseUrl } from './database-url.ts';
import type { BridgeSettings } from './roles.ts';
import type { Secret } from './secret.ts';

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
 * Contradictions between timeouts of the bridge, one sentence each. A timeout that is invalid by itself is
 * missing here, and contradicts nothing.
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
      `${heartbeat.text} is more than a third of ${rebalance.text}: a bridge would notice a rebalance too late to rejoin`,
    // kafkajs sends heartbeats only between fetches.
    poll.ms * 3 > session.ms &&
      `${poll.text} is more than a third of ${session.text}: no heartbeat is sent during a fetch`,
    poll.ms * 3 > rebalance.ms &&
      `${poll.text} is more than a third of ${rebalance.text}: a bridge cannot rejoin during a fetch`,
    grace.ms > rebalance.ms &&
      `${grace.text} is more than ${rebalance.text}: the broker would reassign the partitions of a bridge that is still finishing its messages`,
  ].filter((mistake) => mistake !== false);
}

interface DatabaseTimeouts {
  readonly url?: Secret;
  readonly connectTimeoutMs?: number;
  readonly statementTimeoutMs?: number;
}

const hostsOf = ({ url }: DatabaseTimeouts) =>
  url ? parseDatabaseUrl(url.current()).hosts.length : 1;

/** How long one statement can take, with the connection that it may need; NaN if a timeout is invalid. */
export const longestStatementMs = (database: DatabaseTimeouts): number =>
  hostsOf(database) * (database.connectTimeoutMs ?? Number.NaN) +
  (database.statementTimeoutMs ?? Number.NaN);

/**
 * Contradictions between timeouts of the database and the time limit of one attempt to store an order,
 * `attemptMs`.
 */
export function databaseTimeoutMistakes(
  database: DatabaseTimeouts,
  attemptMs: number,
): readonly string[] {
  const hosts = hostsOf(database);
  const connect = named('DATABASE_CONNECT_TIMEOUT_MS', database.connectTimeoutMs);
  const statement = named('DATABASE_STATEMENT_TIMEOUT_MS', database.statementTimeoutMs);
  return longestStatementMs(database) >= attemptMs
    ? [
        `${connect.text}${hosts === 1 ? '' : `, for each of the ${hosts} hosts in DATABASE_URL,`} and ${statement.text} together are not less than ${attemptMs} ms, the time limit of one attempt to store an order: the order would be retried while the statement of the previous attempt is still running`,
      ]
    : [];
}

const named = (name: string, ms: number | undefined) => ({
  ms: ms ?? Number.NaN,
  text: `${name} (${ms})`,
});
