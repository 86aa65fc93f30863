import pRetry from 'p-retry';
import { describeError } from '../../program/operator-error.ts';
import type { Assignment } from './assignment.ts';
import type { GroupAdmin } from './group-admin.ts';
import type { LogAnomaly } from './consumed-message.ts';
import type { Partition } from './partition.ts';
import type { PartitionPosition } from '../group-positions.ts';

/** What to do with a batch that was fetched. */
export type BatchCheck =
  /** It begins at the expected offset: process it. */
  | { readonly kind: 'expected' }
  /** It belongs to an older generation, or its partition is not assigned: ignore it. */
  | { readonly kind: 'revoked' }
  /** It begins elsewhere: ignore it and fetch the partition again from this offset. */
  | { readonly kind: 'refetch'; readonly from: bigint };

export interface PositionTrackerOptions {
  readonly topic: string;
  /** The generation in which this tracker is used. */
  readonly generation: number;
  readonly assignment: Assignment;
  readonly group: Pick<GroupAdmin, 'positions'>;
  readonly onLogAnomaly: (anomaly: LogAnomaly) => void;
}

/**
 * Makes sure, during one generation, that each batch of a partition of the topic follows the one before it,
 * beginning at the group's offset. A gap means that the log has lost messages, which is reported.
 */
export class PositionTracker {
  readonly #options: PositionTrackerOptions;
  /** Opens partitions; shared by all batches that wait for it. */
  #opening: Promise<void> | undefined;
  readonly #turns = new Map<number, Promise<unknown>>();

  constructor(options: PositionTrackerOptions) {
    this.#options = options;
  }

  /**
   * Checks a batch that was fetched from this offset. Throws a plain error when the broker cannot be asked:
   * kafkajs then fetches the batch again.
   */
  check(partition: number, fetched: bigint): Promise<BatchCheck> {
    return this.#inTurn(partition, () => this.#check(partition, fetched));
  }

  /**
   * Moves past a batch that consists of control records and aborted messages, and therefore is not
   * processed. Throws as `check` does.
   */
  skip(partition: number, fetched: bigint, lastOffset: bigint): Promise<BatchCheck> {
    return this.#inTurn(partition, async () => {
      const check = await this.#check(partition, fetched);
      if (check.kind === 'expected') this.#find(partition)?.finishUpTo(lastOffset + 1n);
      return check;
    });
  }

  /**
   * The offsets at which the partitions have to be fetched, as soon as the broker reports them. Partitions
   * that are offline are missing; they are opened by their first batch. Rejects when the generation ends.
   */
  async startingOffsets(): Promise<ReadonlyMap<number, bigint>> {
    const { topic, assignment, generation } = this.#options;
    const signal = assignment.revoked;
    await pRetry(() => this.#open(), { retries: Infinity, maxTimeout: 5000, signal });
    return new Map(
      assignment
        .ofTopic(topic, generation)
        .flatMap(({ partition, next }) => (next === undefined ? [] : [[partition, next] as const])),
    );
  }

  async #check(partition: number, fetched: bigint): Promise<BatchCheck> {
    try {
      // The first batch of a partition that had no leader comes later than those of the others.
      if (this.#find(partition)?.hasPosition === false) await this.#open();
      const state = this.#find(partition);
      if (!state) return REVOKED;
      if (state.next === undefined) throw new Error('the broker reported no position');
      if (state.accepts(fetched)) return EXPECTED;
      const positions = await this.#options.group.positions(this.#options.topic);
      if (!this.#find(partition)) return REVOKED;
      const log = positions.find((candidate) => candidate.partition === partition);
      const anomaly = log && state.compareWithLog(log);
      if (anomaly) {
        this.#options.onLogAnomaly(anomaly);
        if (fetched === anomaly.to) return EXPECTED;
      }
      // Requested in an older generation, from where that was, or before the log was truncated.
      return { kind: 'refetch', from: state.next };
    } catch (error) {
      throw new Error(
        `the position of partition ${partition} of "${this.#options.topic}" could not be checked: ${describeError(error)}`,
        { cause: error },
      );
    }
  }

  /** One check after the other: kafkajs fetches the next batch while an invisible one is being checked. */
  #inTurn<Result>(partition: number, work: () => Promise<Result>): Promise<Result> {
    const result = (this.#turns.get(partition) ?? Promise.resolve()).then(work);
    this.#turns.set(
      partition,
      result.catch(() => undefined),
    );
    return result;
  }

  #find(partition: number): Partition | undefined {
    const { topic, assignment, generation } = this.#options;
    return assignment.find({ topic, partition }, generation);
  }

  #open(): Promise<void> {
    this.#opening ??= this.#openAll().finally(() => (this.#opening = undefined));
    return this.#opening;
  }

  async #openAll(): Promise<void> {
    for (const position of await this.#positions()) {
      const partition = this.#find(position.partition);
      if (!partition || partition.hasPosition) continue;
      const anomaly = partition.setPosition(position);
      if (anomaly) this.#options.onLogAnomaly(anomaly);
    }
  }

  async #positions(): Promise<readonly PartitionPosition[]> {
    const { group, topic } = this.#options;
    const positions = await group.positions(topic);
    const hasVanished = positions.some(({ partition, committed }) =>
      this.#find(partition)?.hasVanished(committed),
    );
    // Offsets vanish only with the group or the topic: the broker is asked again before that is believed.
    return hasVanished ? group.positions(topic) : positions;
  }
}

const EXPECTED: BatchCheck = { kind: 'expected' };
const REVOKED: BatchCheck = { kind: 'revoked' };
