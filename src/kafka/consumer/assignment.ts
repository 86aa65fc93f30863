import { setMaxListeners } from 'node:events';
import type { CommittedOffset } from '../group-positions.ts';
import { partitionKey, type PartitionKey, type TopicPartition } from '../topic-partition.ts';
import { Partition } from './partition.ts';

export interface PartitionOffset {
  readonly partition: number;
  readonly offset: bigint;
}

/**
 * Sends one commit request, for partitions of one topic, without retrying it. The request is written before
 * the function returns.
 */
export type CommitOffsets = (topic: string, offsets: readonly PartitionOffset[]) => Promise<void>;

/** How this process stands to the consumer group in one generation. */
export type Membership =
  | {
      readonly status: 'member';
      readonly memberId: string;
      /** The broker rejects it once the group has a newer generation. */
      readonly commit: CommitOffsets;
    }
  /** The group continues without this member, and the Kafka client has to be told to join again. */
  | { readonly status: 'fenced' }
  /** Not joined yet, or the Kafka client has ended. */
  | { readonly status: 'none' };

/**
 * Which partitions of the topics are assigned to this consumer, and in which generation. Every join of the
 * group begins a new generation, with a number that only grows, and so does everything that makes the state of the
 * partitions void. Work keeps the number of the generation in which it began: what it reports later is
 * ignored, even when the partition has been assigned again. Otherwise a batch that is still in progress
 * while the client rejoins would have its offsets committed by the new member (kafkajs#1046).
 */
export class Assignment {
  #generation = 0;
  #membership: Membership = { status: 'none' };
  #partitions: ReadonlyMap<PartitionKey, Partition> = new Map();
  #revoked = new AbortController();
  /** The group's offsets of all partitions of the topics, as last seen. They outlive generations. */
  readonly #committed = new Map<PartitionKey, CommittedOffset>();

  /** The number of the current generation. */
  get generation(): number {
    return this.#generation;
  }

  get membership(): Membership {
    return this.#membership;
  }

  get partitions(): ReadonlySet<PartitionKey> {
    return new Set(this.#partitions.keys());
  }

  /** Aborted when the current generation ends. */
  get revoked(): AbortSignal {
    return this.#revoked.signal;
  }

  /** How long the oldest finished message has waited for its commit, in milliseconds. */
  get commitAgeMs(): number {
    return Math.max(0, ...[...this.#partitions.values()].map(({ commitAgeMs }) => commitAgeMs));
  }

  /** Ends the current generation and begins the next one. */
  begin(partitions: readonly TopicPartition[], membership: Membership): void {
    const ended = this.#revoked;
    for (const [key, { committed }] of this.#partitions) {
      if (committed !== undefined) this.#committed.set(key, committed);
    }
    this.#generation += 1;
    this.#membership = membership;
    this.#partitions = new Map(
      partitions.map((one) => {
        const key = partitionKey(one);
        return [key, new Partition(one, this.#committed.get(key))];
      }),
    );
    this.#revoked = new AbortController();
    // Every batch in progress listens, one per partition.
    setMaxListeners(0, this.#revoked.signal);
    ended.abort();
  }

  /** The one place where generations are compared. */
  isCurrent(generation: number): boolean {
    return generation === this.#generation;
  }

  /** The partition, if it is assigned to this consumer and the generation is still the current one. */
  find(partition: TopicPartition, generation: number): Partition | undefined {
    return this.isCurrent(generation) ? this.#partitions.get(partitionKey(partition)) : undefined;
  }

  /** The assigned partitions of the topic, or none if the generation is no longer the current one. */
  ofTopic(topic: string, generation: number): readonly Partition[] {
    if (!this.isCurrent(generation)) return [];
    return [...this.#partitions.values()].filter((partition) => partition.topic === topic);
  }

  /** The assigned partitions. */
  all(): readonly Partition[] {
    return [...this.#partitions.values()];
  }

  /**
   * Records the group's offsets of partitions of the topic that this consumer is not reading. If one is
   * assigned later, kafkajs may have replaced an offset that was out of range before it could be looked at.
   */
  observe(topic: string, committed: ReadonlyMap<number, CommittedOffset>): void {
    for (const [partition, offset] of committed) {
      const key = partitionKey({ topic, partition });
      const assigned = this.#partitions.get(key);
      if (assigned) assigned.observe(offset);
      else this.#committed.set(key, offset);
    }
  }
}
