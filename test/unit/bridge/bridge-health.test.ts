import { pino } from 'pino';
import {
  checkBridgeHealth,
  foreignMembersReason,
  overlappingMembersReason,
  reportLogAnomaly,
} from '../../../src/bridge/bridge-health.ts';
import { otherMembers } from '../../../src/kafka/group-members.ts';
import { EMPTY_GROUP, type GroupState } from '../../../src/kafka/group-watch.ts';
import type { PartitionKey, TopicPartition } from '../../../src/kafka/topic-partition.ts';
import { createHealth, type Health } from '../../../src/telemetry/health/health.ts';
import { group, member } from '../../support/group-description.ts';
import { createManualClock, type ManualClock } from '../../support/manual-clock.ts';

/** A bridge on which everything is well. */
const healthy = () => ({
  disconnected: undefined as string | undefined,
  offlinePartitions: [] as TopicPartition[],
  missingTopics: [] as string[],
  silent: undefined as string | undefined,
  hung: undefined as string | undefined,
  breakerOpen: undefined as string | undefined,
  backlogFull: undefined as string | undefined,
  isThrottled: false,
  inFlight: 0,
  finished: 0,
  partitions: new Set<PartitionKey>(['orders/0']),
  groupPartitions: [] as GroupState['partitions'],
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
    topics: ['orders', 'returns'],
    groupId: 'storage_loader',
    consumer: {
      get disconnectedReason() {
        return state.disconnected;
      },
      get offlinePartitions() {
        return state.offlinePartitions;
      },
      get missingTopics() {
        return state.missingTopics;
      },
      get partitions() {
        return state.partitions;
      },
    },
    watchdog: { unreadyReason: () => state.silent, hungReason: () => state.hung },
    group: {
      latest: () => ({ ...EMPTY_GROUP, partitions: state.groupPartitions }),
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
  ['partitions', { offlinePartitions: [{ topic: 'orders', partition: 3 }] }],
  ['topics', { missingTopics: ['returns'] }],
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

  test('are not explained by partitions without a leader, nor by a missing topic', () => {
    state.offlinePartitions = [{ topic: 'orders', partition: 3 }];
    state.missingTopics = ['returns'];
    clock.advance(120_000);
    expect(isAlive()).toBe(false);
  });
});

describe('a committed offset that does not move while its partition has lag', () => {
  /** Takes a sample of the committed offset every ten seconds. */
  const sample = (committed: bigint | undefined, ms: number, lag = 5n) => {
    for (let passed = 0; passed < ms; passed += 10_000) {
      state.groupPartitions = [
        { topic: 'orders', partition: 0, committed, end: (committed ?? 0n) + lag, lag },
        { topic: 'returns', partition: 0, committed, end: (committed ?? 0n) + lag, lag },
      ];
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
    state.partitions = new Set(['orders/1']);
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
  const ORDERS_2 = { topic: 'orders', partition: 2 };
  let lines: Record<string, unknown>[];
  let lost: [partition: TopicPartition, count: number][];
  const report = (anomaly: Parameters<typeof reportLogAnomaly>[0]) => {
    reportLogAnomaly(anomaly, {
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
    report({ kind: 'messages-lost', ...ORDERS_2, from: 10n, to: 17n });
    expect(lines).toMatchObject([
      { event: 'messages_lost', topic: 'orders', partition: 2, from: '10', to: '17' },
    ]);
    expect(lost).toEqual([[ORDERS_2, 7]]);
    expect(health.readiness.reasons()).toEqual({ log: expect.stringContaining('POST /resume') });
  });

  test('of unknown extent counts as one lost message', () => {
    report({ kind: 'messages-lost', ...ORDERS_2, from: undefined, to: 17n });
    report({ kind: 'log-restarted', topic: 'returns', partition: 0, from: 100n, to: 0n });
    expect(lost).toEqual([
      [ORDERS_2, 1],
      [{ topic: 'returns', partition: 0 }, 1],
    ]);
    expect(lines.at(-1)).toMatchObject({ event: 'log_restarted', from: '100', to: '0' });
  });
});

test('a bridge with foreign members in its group names them and the fix', () => {
  const topics = ['orders-eu'];
  const { foreign } = otherMembers(group([member('us', ['orders-us'], {})]), topics);
  const reason = foreignMembersReason(foreign, 'storage_loader', topics);
  expect(reason).toContain('"storage_loader"');
  expect(reason).toContain('"order-ingest" at /10.0.0.7 (member us, subscribed to "orders-us")');
  expect(reason).toContain('KAFKA_GROUP_ID');
  expect(foreignMembersReason([], 'storage_loader', topics)).toBeUndefined();
});

test('members that share some topics are a reason only after ten minutes without a change', () => {
  const topics = ['orders-eu', 'orders-us'];
  const { overlapping: members } = otherMembers(group([member('old', ['orders-eu'], {})]), topics);
  const reasonAt = (now: number) =>
    overlappingMembersReason({ members, since: 1000 }, { groupId: 'storage_loader', topics, now });
  expect(reasonAt(600_999)).toBeUndefined();
  expect(reasonAt(601_000)).toContain('(member old, subscribed to "orders-eu")');
  const none = { members: [], since: 0 };
  const sources = { groupId: 'storage_loader', topics, now: 601_000 };
  expect(overlappingMembersReason(none, sources)).toBeUndefined();
});

test('what cannot be read is named with its topic', () => {
  state.missingTopics = ['returns'];
  state.offlinePartitions = [
    { topic: 'orders', partition: 1 },
    { topic: 'orders', partition: 2 },
    { topic: 'returns', partition: 0 },
  ];
  const { topics, partitions } = health.readiness.reasons();
  expect(topics).toContain('"returns"');
  expect(partitions).toContain('partitions 1, 2 of "orders" and partition 0 of "returns"');
});
