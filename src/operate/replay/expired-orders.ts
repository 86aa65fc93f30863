import type { ConsumedMessage } from '../../kafka/consumer/consumed-message.ts';
import type { TopicPosition } from '../../kafka/offset-ranges.ts';
import type { TopicPartition } from '../../kafka/topic-partition.ts';
import type { RangeBatch } from '../../kafka/topic-reader.ts';
import type { MessageReader } from '../../order-module/message-reader.ts';
import type { Replayed } from './replay-message.ts';

/** The result of replaying an expired order: one that Temporal no longer has. */
export type ExpiredOrderOutcome =
  /** Its workflow was started with this message or, in a dry run, would be. */
  | { readonly kind: 'started' }
  /** Temporal has a workflow for it after all. */
  | { readonly kind: 'duplicate' }
  /** All of its messages on the topics have dead letters already; this is the last one that was read. */
  | { readonly kind: 'existing-dead-letter'; readonly position: TopicPosition }
  /** Its message has now become a dead letter. */
  | { readonly kind: 'dead-letter'; readonly position: TopicPosition; readonly reason: string };

/** Finds messages of expired orders in batches of the topic, and replays the first usable one of each. */
export class ExpiredOrderSearch {
  readonly #orderIds: ReadonlySet<string>;
  readonly #reader: Pick<MessageReader, 'identify'>;
  readonly #mayBeAbout: (value: Buffer) => boolean;
  readonly #replay: (source: TopicPartition, message: ConsumedMessage) => Promise<Replayed>;
  readonly #outcomes = new Map<string, ExpiredOrderOutcome>();

  constructor(
    orderIds: readonly string[],
    reader: Pick<MessageReader, 'identify' | 'mayBeAbout'>,
    replay: (source: TopicPartition, message: ConsumedMessage) => Promise<Replayed>,
  ) {
    this.#orderIds = new Set(orderIds);
    this.#reader = reader;
    this.#mayBeAbout = reader.mayBeAbout(orderIds);
    this.#replay = replay;
  }

  /** By order ID. Orders of which no message has been read are left out. */
  get outcomes(): ReadonlyMap<string, ExpiredOrderOutcome> {
    return this.#outcomes;
  }

  /** Whether no further message can change an outcome. */
  get isSettled(): boolean {
    return [...this.#orderIds].every((orderId) => this.#isSettled(orderId));
  }

  async read(topic: string, { partition, messages }: RangeBatch): Promise<void> {
    for (const message of messages) {
      const { value } = message;
      if (!value || !this.#mayBeAbout(value)) continue;
      // Without a size limit: a message that is too large for Temporal is found too, and the replay rejects it.
      const read = await this.#reader.identify(value);
      if (read.kind !== 'order' || !this.#orderIds.has(read.orderId)) continue;
      if (this.#isSettled(read.orderId)) continue;
      const position = { topic, partition, offset: BigInt(message.offset) };
      const replayed = await this.#replay({ topic, partition }, message);
      this.#outcomes.set(read.orderId, outcomeOf(replayed, position));
    }
  }

  /** An existing dead letter does not settle an order, whose workflow another message may have started. */
  #isSettled(orderId: string): boolean {
    const outcome = this.#outcomes.get(orderId);
    return outcome !== undefined && outcome.kind !== 'existing-dead-letter';
  }
}

function outcomeOf(replayed: Replayed, position: TopicPosition): ExpiredOrderOutcome {
  switch (replayed.kind) {
    case 'started':
    case 'would-submit':
      return { kind: 'started' };
    case 'duplicate':
      return { kind: 'duplicate' };
    case 'existing-dead-letter':
      return { kind: 'existing-dead-letter', position };
    case 'dead-letter':
      return { kind: 'dead-letter', position, reason: replayed.reason };
    default:
      return replayed satisfies never;
  }
}
