import { pino } from 'pino';
import {
  checkBridgeHealth,
  foreignMembersReason,
  reportLogAnomaly,
} from '../../../src/bridge/bridge-health.ts';
import { foreignMembers } from '../../../src/kafka/group-members.ts';
import type { PartitionLag } from '../../../src/kafka/lag.ts';
import { createHealth, type Health } from '../../../src/telemetry/health/health.ts';
import { group, member } from '../../support/group-description.ts';
import { createManualClock, type ManualClock } from '../../support/manual-clock.ts';

/** A bridge on which everything is well. */
const healthy = () => ({
  disconnected: undefined as string | undefined,
  offlinePartitions: [] as number[],
  silent: undefined as string | undefined,
  hung: undefined as string | undefined,
  breakerOpen: undefined as string | undefined,
  backlogFull: undefined as string | undefined,
  isThrottled: false,
  inFlight: 0,
  finished: 0,
  partitions: new Set([0]),
  groupPartitions: [] as readonly PartitionLag[],
});

let clock: ManualClock;
let health: Health;
let state: ReturnType<typeof healthy>;
let stop: () => void;
beforeEach(() => {
  clock = createManualClock();
  health = createHealth();
  state = healthy();
  stop = checkBridgeHealth(health, {
    topic: 'orders',
    groupId: 'storage_loader',
    consumer: {
      get disconnectedReason() {
        return state.disconnected;
      },
      get offlinePartitions() {
        return state.offlinePartitions;
      },
      get partitions() {
        return state.partitions;
      },
    },
    watchdog: { unreadyReason: () => state.silent, hungReason: () => state.hung },
    group: {
      latest: () => ({ partitions: state.groupPartitions, unread: new Set<number>(), foreign: [] }),
    },
    breaker: { reason: () => state.breakerOpen },
    backlogLimit: { reason: () => state.backlogFull },
    counts: {
      get inFlight() {
        return state.inFlight;
      },
      get recorded() {
        return state.finished;
      },
    },
    isThrottled: () => state.isThrottled,
    clock,
  });
});

test('a healthy bridge is ready and alive', () => {
  expect(health.readiness.reasons()).toEqual({});
  expect(health.liveness.reasons()).toEqual({});
});

test.each([
  ['circuit breaker', { breakerOpen: 'open' }],
  ['open orders', { backlogFull: 'too many' }],
  ['Kafka', { disconnected: 'not joined' }],
  ['Kafka', { silent: 'no heartbeat' }],
  ['partitions', { offlinePartitions: [3] }],
])('the bridge is alive but not ready while the condition "%s" fails', (name, change) => {
  Object.assign(state, change);
  expect(Object.keys(health.readiness.reasons())).toEqual([name]);
  expect(health.liveness.reasons()).toEqual({});
});

test('a consumer that hangs makes the bridge not alive', () => {
  state.hung = 'silent';
  expect(health.liveness.reasons()).toEqual({ consumer: 'silent' });
});

describe('messages that never finish', () => {
  beforeEach(() => {
    state.inFlight = 3;
  });
  const isAlive = () => Object.keys(health.liveness.reasons()).length === 0;

  test('make the bridge not alive when nothing is known to delay them', () => {
    clock.advance(120_000);
    expect(Object.keys(health.liveness.reasons())).toEqual(['messages']);
  });

  test('leave the bridge alive while a condition of readiness explains the delay', () => {
    health.readiness.fail('Temporal', 'refused');
    clock.advance(600_000);
    expect(isAlive()).toBe(true);
  });

  test('leave the bridge alive while Temporal throttles', () => {
    state.isThrottled = true;
    clock.advance(600_000);
    expect(isAlive()).toBe(true);
  });

  test('are not explained by partitions without a leader', () => {
    state.offlinePartitions = [3];
    clock.advance(120_000);
    expect(isAlive()).toBe(false);
  });
});

describe('a committed offset that does not move while its partition has lag', () => {
  /** Takes a sample of the committed offset every ten seconds. */
  const sample = (committed: bigint | undefined, ms: number, lag = 5n) => {
    for (let passed = 0; passed < ms; passed += 10_000) {
      state.groupPartitions = [{ partition: 0, committed, end: (committed ?? 0n) + lag, lag }];
      clock.advance(10_000);
    }
  };
  const failing = () => Object.keys(health.readiness.reasons());

  test('makes the bridge not ready after ten minutes, and ready again once it moves', () => {
    sample(12n, 600_000);
    expect(failing()).toEqual([]);
    sample(12n, 20_000);
    expect(failing()).toEqual(['committed offsets']);
    sample(13n, 10_000);
    expect(failing()).toEqual([]);
  });

  test('makes the bridge not ready as well when nothing has been committed', () => {
    sample(undefined, 620_000);
    expect(failing()).toEqual(['committed offsets']);
  });

  test('is no reason while no further sample can be taken', () => {
    sample(12n, 60_000);
    clock.advance(3_600_000);
    expect(failing()).toEqual([]);
  });

  test('is no reason when the partition has no lag', () => {
    sample(12n, 1_200_000, 0n);
    expect(failing()).toEqual([]);
  });

  test('is no reason when another bridge reads the partition', () => {
    state.partitions = new Set([1]);
    sample(12n, 1_200_000);
    expect(failing()).toEqual([]);
  });

  test('does not explain why messages never finish', () => {
    sample(12n, 700_000);
    state.inFlight = 3;
    sample(12n, 120_000);
    expect(Object.keys(health.liveness.reasons())).toEqual(['messages']);
  });
});

test('no timer is left behind when the checks are stopped', () => {
  stop();
  expect(clock.pending).toBe(0);
});

describe('a log anomaly', () => {
  let lines: Record<string, unknown>[];
  let lost: [partition: number, count: number][];
  const report = (anomaly: Parameters<typeof reportLogAnomaly>[0]) => {
    reportLogAnomaly(anomaly, {
      topic: 'orders',
      logger: pino({ base: null }, { write: (line) => void lines.push(JSON.parse(line) as never) }),
      readiness: health.readiness,
      metrics: { lost: (...args) => void lost.push(args) },
    });
  };
  beforeEach(() => {
    lines = [];
    lost = [];
  });

  test('is logged, counted, and makes the bridge not ready', () => {
    report({ kind: 'messages-lost', partition: 2, from: 10n, to: 17n });
    expect(lines).toMatchObject([
      { event: 'messages_lost', topic: 'orders', partition: 2, from: '10', to: '17' },
    ]);
    expect(lost).toEqual([[2, 7]]);
    expect(health.readiness.reasons()).toEqual({ log: expect.stringContaining('POST /resume') });
  });

  test('of unknown extent counts as one lost message', () => {
    report({ kind: 'messages-lost', partition: 2, from: undefined, to: 17n });
    report({ kind: 'log-restarted', partition: 0, from: 100n, to: 0n });
    expect(lost).toEqual([
      [2, 1],
      [0, 1],
    ]);
    expect(lines.at(-1)).toMatchObject({ event: 'log_restarted', from: '100', to: '0' });
  });
});

test('a bridge with foreign members in its group names them and the fix', () => {
  const foreign = foreignMembers(group([member('us', ['orders-us'], {})]), 'orders-eu');
  const reason = foreignMembersReason(foreign, 'storage_loader', 'orders-eu');
  expect(reason).toContain('"storage_loader"');
  expect(reason).toContain('"order-ingest" at /10.0.0.7 (member us, subscribed to "orders-us")');
  expect(reason).toContain('KAFKA_GROUP_ID');
  expect(foreignMembersReason([], 'storage_loader', 'orders-eu')).toBeUndefined();
});
