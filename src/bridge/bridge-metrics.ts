import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import { DEAD_LETTER_REASONS } from '../contract/dead-letter.ts';
import { createProgramRegistry } from '../telemetry/program-metrics.ts';
import type { Conditions } from '../telemetry/health/health.ts';
import type { BacklogLimit } from './flow-control/backlog-limit.ts';
import type { CircuitBreaker } from './flow-control/circuit-breaker.ts';
import type { OutcomeCounts } from './outcome-counts.ts';
import type { AdaptiveConcurrencyLimit } from './flow-control/adaptive-concurrency-limit.ts';

/** What the metrics are read from when somebody asks for them. */
export interface BridgeMetricsSources {
  readonly counts: OutcomeCounts;
  readonly startLimit: AdaptiveConcurrencyLimit;
  readonly backlogLimit: BacklogLimit;
  readonly breaker: CircuitBreaker;
  readonly readiness: Conditions;
  /** Partition to its lag, of the partitions that this bridge reads and of those that no bridge reads. */
  readonly lag: () => ReadonlyMap<number, number>;
  /** Partition to the group's offset, of the same partitions; -1 where nothing is committed. */
  readonly committed: () => ReadonlyMap<number, number>;
  readonly commitAgeMs: () => number;
}

export interface BridgeMetrics {
  readonly registry: Registry;
  /** Messages that were deleted from the log before the bridge could read them. */
  readonly lost: (partition: number, count: number) => void;
  /** Temporal has answered a start after so many seconds. */
  readonly startAnswered: (seconds: number) => void;
  /** Temporal has throttled, and fewer starts are sent at a time. */
  readonly throttled: () => void;
}

export function createBridgeMetrics(sources: BridgeMetricsSources): BridgeMetrics {
  const { counts, startLimit, backlogLimit, breaker, readiness, lag, committed, commitAgeMs } =
    sources;
  const registry = createProgramRegistry(readiness);
  const registers = [registry];

  new Counter({
    name: 'order_ingest_messages_total',
    help: 'Messages by what became of them: a workflow was started, the order had been ingested before with the same content, or the message is a dead letter.',
    labelNames: ['outcome'],
    registers,
    collect() {
      this.reset();
      const { started, duplicates, deadLetters } = counts.snapshot();
      this.inc({ outcome: 'started' }, started);
      this.inc({ outcome: 'duplicate' }, duplicates);
      this.inc({ outcome: 'dead_letter' }, sum(Object.values(deadLetters)));
    },
  });
  new Counter({
    name: 'order_ingest_dead_letters_total',
    help: 'Dead letters by reason; conflicting-duplicate is an order sent again with other content.',
    labelNames: ['reason'],
    registers,
    collect() {
      this.reset();
      const { deadLetters } = counts.snapshot();
      for (const reason of DEAD_LETTER_REASONS) this.inc({ reason }, deadLetters[reason] ?? 0);
    },
  });
  const lostMessages = new Counter({
    name: 'order_ingest_messages_lost_total',
    help: 'Offsets that were deleted from the topic before the bridge could read them.',
    labelNames: ['partition'],
    registers,
    collect() {
      // A rate sees only what has grown, and so needs the zero before the first loss.
      for (const partition of lag().keys()) this.inc({ partition }, 0);
    },
  });
  const throttles = new Counter({
    name: 'order_ingest_starts_throttled_total',
    help: 'How often Temporal has throttled, and the limit of concurrent starts was halved.',
    registers,
  });
  const startDuration = new Histogram({
    name: 'order_ingest_start_duration_seconds',
    help: "From a start's call to Temporal's answer, waiting for a turn and failed calls left out.",
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
    registers,
  });
  new Gauge({
    name: 'order_ingest_consumer_lag_messages',
    help: 'Offsets between what the group has committed and the end of the log, by partition that this bridge reads, or that no bridge reads; asked every BRIDGE_LAG_INTERVAL_MS.',
    labelNames: ['partition'],
    registers,
    collect() {
      this.reset();
      for (const [partition, count] of lag()) this.set({ partition }, count);
    },
  });
  new Gauge({
    name: 'order_ingest_committed_offset',
    help: 'The offset that the group has committed, by partition that this bridge reads, -1 where there is none; asked every BRIDGE_LAG_INTERVAL_MS.',
    labelNames: ['partition'],
    registers,
    collect() {
      this.reset();
      for (const [partition, offset] of committed()) this.set({ partition }, offset);
    },
  });
  gauge(
    'order_ingest_messages_in_flight',
    'Messages that have been read and have come to no end yet.',
    () => counts.inFlight(),
  );
  gauge(
    'order_ingest_commit_age_seconds',
    'How long the oldest finished message has waited for its offset to be committed; 0 when none waits.',
    () => commitAgeMs() / 1000,
  );
  gauge(
    'order_ingest_start_limit',
    'Starts that may be under way at once just now.',
    () => startLimit.current,
  );
  gauge(
    'order_ingest_starts_in_flight',
    'Starts that are under way just now.',
    () => startLimit.inUse,
  );
  gauge(
    'order_ingest_starts_held_back',
    '1 while starts wait because as many orders as may be are open in Temporal.',
    () => (backlogLimit.isFull ? 1 : 0),
  );
  gauge(
    'order_ingest_circuit_breaker_open',
    '1 while too many dead letters stop the bridge.',
    () => (breaker.reason() === undefined ? 0 : 1),
  );

  function gauge(name: string, help: string, read: () => number): void {
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(read());
      },
    });
  }
  return {
    registry,
    lost: (partition, count) => {
      lostMessages.inc({ partition }, count);
    },
    startAnswered: (seconds) => {
      startDuration.observe(seconds);
    },
    throttled: () => {
      throttles.inc();
    },
  };
}

const sum = (counts: readonly number[]): number =>
  counts.reduce((total, count) => total + count, 0);

/**
 * The lag that one bridge reports: that of the partitions it reads, so that the sum over all bridges is
 * the lag of the group, and that of the partitions no bridge reads, which nobody else would report.
 */
export const reportedLag = (
  lag: ReadonlyMap<number, number>,
  own: ReadonlySet<number>,
  unread: ReadonlySet<number>,
): ReadonlyMap<number, number> =>
  new Map([...lag].filter(([partition]) => own.has(partition) || unread.has(partition)));
