import { createOrderIdFilter } from '../../order/order-id-filter.ts';
import { identify } from '../../order/identify.ts';
import type { ConsumedMessage } from '../../kafka/consumer/message-consumer.ts';
import type { MessagePosition } from '../../kafka/offset-ranges.ts';
import type { RangeBatch } from '../../kafka/topic-reader.ts';
import type { Replayed } from './replay-message.ts';

/** What has become of the wish to run an order again that Temporal no longer has. */
export type ForgottenOutcome =
  /** Its workflow was started with this message or, in a dry run, would be. */
  | { readonly kind: 'started' }
  /** Temporal has a workflow of it after all. */
  | { readonly kind: 'duplicate' }
  /** All of its messages on the topic are dead letters; this is the last that was read. */
  | { readonly kind: 'dead-letter-before'; readonly place: MessagePosition }
  /** Its message has become a dead letter now. */
  | { readonly kind: 'dead-letter'; readonly place: MessagePosition; readonly reason: string };

/** Searches the topic for messages of these orders, and replays the first of each that can be. */
export class ForgottenOrders {
  readonly #sought: ReadonlySet<string>;
  readonly #mayBeSought: (value: Buffer) => boolean;
  readonly #replay: (partition: number, message: ConsumedMessage) => Promise<Replayed>;
  readonly #outcomes = new Map<string, ForgottenOutcome>();

  constructor(
    orderIds: readonly string[],
    replay: (partition: number, message: ConsumedMessage) => Promise<Replayed>,
  ) {
    this.#sought = new Set(orderIds);
    this.#mayBeSought = createOrderIdFilter(orderIds);
    this.#replay = replay;
  }

  /** An order that is not here has no message among those that were read. */
  get outcomes(): ReadonlyMap<string, ForgottenOutcome> {
    return this.#outcomes;
  }

  /** Whether no further message changes an outcome. */
  get isSettled(): boolean {
    return [...this.#sought].every((orderId) => this.#isSettled(orderId));
  }

  async read({ partition, messages }: RangeBatch): Promise<void> {
    for (const message of messages) {
      const { value } = message;
      if (!value || !this.#mayBeSought(value)) continue;
      // Also a message that is too large for Temporal is about an order: the replay says so.
      const read = identify(value, value.length);
      if (read.kind !== 'order' || !this.#sought.has(read.orderId)) continue;
      if (this.#isSettled(read.orderId)) continue;
      const place = { partition, offset: BigInt(message.offset) };
      this.#outcomes.set(read.orderId, outcomeOf(await this.#replay(partition, message), place));
    }
  }

  /** An old dead letter does not settle it: another message of the order may be the one that was started. */
  #isSettled(orderId: string): boolean {
    const outcome = this.#outcomes.get(orderId);
    return outcome !== undefined && outcome.kind !== 'dead-letter-before';
  }
}

function outcomeOf(replayed: Replayed, place: MessagePosition): ForgottenOutcome {
  switch (replayed.kind) {
    case 'started':
    case 'due':
      return { kind: 'started' };
    case 'duplicate':
      return { kind: 'duplicate' };
    case 'dead-letter-before':
      return { kind: 'dead-letter-before', place };
    case 'dead-letter':
      return { kind: 'dead-letter', place, reason: replayed.reason };
    default:
      return replayed satisfies never;
  }
}
