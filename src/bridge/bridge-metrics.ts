import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import { DEAD_LETTER_REASONS } from '../contract/dead-letter.ts';
import { createProgramRegistry } from '../telemetry/program-metrics.ts';
import type { GroupState } from '../kafka/group-watch.ts';
import { partitionKey, type PartitionKey, type TopicPartition } from '../kafka/topic-partition.ts';
import type { Conditions } from '../telemetry/health/health.ts';
import type { EagerStarts } from './eager-starts.ts';
import type { Pipeline } from './pipeline.ts';

/** What the metrics are read from at each scrape. */
export interface BridgeMetricsSources {
  readonly pipeline: Pick<Pipeline, 'breaker' | 'backlogLimit' | 'startLimit' | 'counts'>;
  /** Where the worker runs in the same process. */
  readonly eagerStarts?: Pick<EagerStarts, 'counts'> | undefined;
  readonly group: () => Pick<GroupState, 'partitions' | 'unread'>;
  /** The partitions that this bridge reads. */
  readonly ownPartitions: () => ReadonlySet<PartitionKey>;
  readonly commitAgeMs: () => number;
}

/** Holds what other parts report as it happens, and reads the rest from them at each scrape. */
export class BridgeMetrics {
  readonly registry: Registry;
  /** From the call that starts a workflow to Temporal's answer, in seconds. */
  readonly startDuration: Histogram;
  readonly #lost = new Map<PartitionKey, TopicPartition & { readonly count: number }>();

  constructor(readiness: Conditions) {
    this.registry = createProgramRegistry(readiness);
    this.startDuration = new Histogram({
      name: 'order_ingest_start_duration_seconds',
      help: "From a start's call to Temporal's answer; does not include waiting for a turn and failed calls.",
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
      registers: [this.registry],
    });
  }

  /** Messages were deleted from the log before the bridge could read them. */
  lost({ topic, partition }: TopicPartition, count: number): void {
    const key = partitionKey({ topic, partition });
    const before = this.#lost.get(key)?.count ?? 0;
    this.#lost.set(key, { topic, partition, count: before + count });
  }

  /** Registers the metrics that are read from these sources. Call it once. */
  readFrom(sources: BridgeMetricsSources): void {
    const { pipeline, eagerStarts, group, ownPartitions, commitAgeMs } = sources;
    const { breaker, backlogLimit, startLimit, counts } = pipeline;
    const lost = this.#lost;
    const reported = () => reportedPartitions(group(), ownPartitions());
    const registers = [this.registry];
    const gauge = (name: string, help: string, read: () => number) =>
      new Gauge({
        name,
        help,
        registers,
        collect() {
          this.set(read());
        },
      });

    new Counter({
      name: 'order_ingest_messages_total',
      help: 'Messages by outcome: a workflow was started, the order had been ingested before with the same content, or the message is a dead letter.',
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
      help: 'Dead letters by reason; conflicting-duplicate is an order that was sent again with different content.',
      labelNames: ['reason'],
      registers,
      collect() {
        this.reset();
        const { deadLetters } = counts.snapshot();
        for (const reason of DEAD_LETTER_REASONS) this.inc({ reason }, deadLetters[reason] ?? 0);
      },
    });
    new Counter({
      name: 'order_ingest_messages_lost_total',
      help: 'Offsets that were deleted from the topic before the bridge could read them.',
      labelNames: ['topic', 'partition'],
      registers,
      collect() {
        this.reset();
        // A rate sees only increases, so it needs the zero before the first loss.
        for (const { topic, partition } of reported()) this.inc({ topic, partition }, 0);
        for (const { topic, partition, count } of lost.values()) {
          this.inc({ topic, partition }, count);
        }
      },
    });
    new Counter({
      name: 'order_ingest_starts_throttled_total',
      help: 'How often throttling by Temporal has halved the limit of concurrent starts.',
      registers,
      collect() {
        this.reset();
        this.inc(startLimit.decreases);
      },
    });
    if (eagerStarts) {
      new Counter({
        name: 'order_ingest_eager_starts_total',
        help: 'Starts of workflows with a worker in the same process, by outcome: the worker got the first task with the answer (eager); the answer had no task (no_task); the bridge used its own connection, because the worker had no free slot in time (no_slot) or was not available (no_worker).',
        labelNames: ['outcome'],
        registers,
        collect() {
          this.reset();
          for (const [outcome, count] of Object.entries(eagerStarts.counts)) {
            this.inc({ outcome }, count);
          }
        },
      });
    }
    new Gauge({
      name: 'order_ingest_consumer_lag_messages',
      help: 'Offsets between what the group has committed and the end of the log, for each partition that this bridge reads or that no bridge reads; updated every BRIDGE_LAG_INTERVAL_MS.',
      labelNames: ['topic', 'partition'],
      registers,
      collect() {
        this.reset();
        for (const { topic, partition, lag } of reported()) {
          this.set({ topic, partition }, Number(lag));
        }
      },
    });
    new Gauge({
      name: 'order_ingest_committed_offset',
      help: 'The offset that the group has committed, for each partition that this bridge reads, -1 if there is none; updated every BRIDGE_LAG_INTERVAL_MS.',
      labelNames: ['topic', 'partition'],
      registers,
      collect() {
        this.reset();
        const own = ownPartitions();
        for (const { topic, partition, committed } of group().partitions) {
          if (!own.has(partitionKey({ topic, partition }))) continue;
          this.set({ topic, partition }, Number(committed ?? -1));
        }
      },
    });
    gauge(
      'order_ingest_messages_in_flight',
      'Messages that have been read and have no outcome yet.',
      () => counts.inFlight,
    );
    gauge(
      'order_ingest_commit_age_seconds',
      'How long the oldest finished message has been waiting for its offset to be committed; 0 if none is.',
      () => commitAgeMs() / 1000,
    );
    gauge(
      'order_ingest_start_limit',
      'Starts that may be in flight at once, as adapted to throttling.',
      () => startLimit.current,
    );
    gauge('order_ingest_starts_in_flight', 'Starts in flight.', () => startLimit.inUse);
    gauge(
      'order_ingest_starts_held_back',
      '1 while starts wait because the number of orders open in Temporal is at its limit.',
      () => (backlogLimit.isFull ? 1 : 0),
    );
    gauge(
      'order_ingest_circuit_breaker_open',
      '1 while the bridge does not consume because too many recent messages are dead letters.',
      () => (breaker.reason() === undefined ? 0 : 1),
    );
  }
}

const sum = (counts: readonly number[]): number =>
  counts.reduce((total, count) => total + count, 0);

/**
 * The partitions whose lag one bridge reports: those it reads, so that the sum over all bridges is the lag
 * of the group, and those that no bridge reads, which nobody else would report.
 */
export const reportedPartitions = (
  { partitions, unread }: Pick<GroupState, 'partitions' | 'unread'>,
  own: ReadonlySet<PartitionKey>,
): GroupState['partitions'] =>
  partitions.filter((partition) => {
    const key = partitionKey(partition);
    return own.has(key) || unread.has(key);
  });
