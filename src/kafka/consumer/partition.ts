import { isOffset, type CommittedOffset, type PartitionPosition } from '../group-positions.ts';
import type { TopicPartition } from '../topic-partition.ts';
import type { LogAnomaly } from './consumed-message.ts';

/**
 * The state of one assigned partition in one generation of the consumer group:
 * - **next**: the offset at which the next batch must begin. A batch that begins elsewhere is outdated, or
 *   the log has lost messages.
 * - **finished up to**: the offset to commit, until it is sent.
 * - **attempted**: an offset that was sent to the broker without an answer so far. It may have been committed.
 * - **committed**: the group's offset as last seen. If the broker reports another one, another client has
 *   changed it, as the deletion of the topic does.
 */
export class Partition {
  readonly topic: string;
  /** Its number within the topic. */
  readonly partition: number;
  #next: bigint | undefined;
  #finishedUpTo: bigint | undefined;
  /** When the oldest offset that is not committed yet was finished, in milliseconds since 1970. */
  #finishedAt: number | undefined;
  #attempted: bigint | undefined;
  #committed: CommittedOffset | undefined;

  /** @param committed the group's offset as seen before this generation; undefined when never seen */
  constructor({ topic, partition }: TopicPartition, committed: CommittedOffset | undefined) {
    this.topic = topic;
    this.partition = partition;
    this.#committed = committed;
  }

  /** Whether the position that the broker reports is known. */
  get hasPosition(): boolean {
    return this.#next !== undefined;
  }

  /** Undefined until the partition is open. */
  get next(): bigint | undefined {
    return this.#next;
  }

  get committed(): CommittedOffset | undefined {
    return this.#committed;
  }

  /** The offset to be committed. */
  get pending(): bigint | undefined {
    return this.#finishedUpTo;
  }

  /** How long the oldest finished message has waited for its commit, in milliseconds. */
  get commitAgeMs(): number {
    return this.#finishedAt === undefined ? 0 : Date.now() - this.#finishedAt;
  }

  /**
   * Sets where reading begins, from what the broker reports when the partition is first looked at. Returns
   * what is wrong with the log.
   */
  setPosition(position: PartitionPosition): LogAnomaly | undefined {
    const anomaly = findAnomaly({ ...position, topic: this.topic }, this.#committed);
    this.#committed = position.committed;
    this.#next = anomaly || !isOffset(position.committed) ? position.low : position.committed;
    return anomaly;
  }

  /** Records the group's offset while the partition is not open, when this member cannot have changed it. */
  observe(committed: CommittedOffset): void {
    if (!this.hasPosition) this.#committed = committed;
  }

  /** Whether the broker reports no offset although the group is known to have had one. */
  hasVanished(committed: CommittedOffset): boolean {
    return committed === 'none' && isOffset(this.#committed);
  }

  /**
   * Whether a batch that was fetched from this offset is the one that has to come next. If the group has no
   * offset yet, this one is going to be committed: only an offset that exists can be seen to vanish.
   */
  accepts(fetched: bigint): boolean {
    if (fetched !== this.#next) return false;
    if (!isOffset(this.#committed)) this.finishUpTo(fetched);
    return true;
  }

  /**
   * Compares the expected offset with the log. When the log has lost it, reading continues at the oldest
   * message that exists, and what was lost is returned.
   */
  compareWithLog({ low, high }: Pick<PartitionPosition, 'low' | 'high'>): LogAnomaly | undefined {
    const from = this.#next;
    if (from === undefined || (from >= low && from <= high)) return undefined;
    this.finishUpTo(low);
    const kind = from < low ? 'messages-lost' : 'log-restarted';
    return { kind, topic: this.topic, partition: this.partition, from, to: low };
  }

  /** Everything before `next` is finished, or does not exist. */
  finishUpTo(next: bigint): void {
    this.#next = next;
    this.#finishedUpTo = next;
    this.#finishedAt ??= Date.now();
  }

  /** Whether the group's offset at the broker is one that this member knows of. */
  recognizes(committed: CommittedOffset): boolean {
    if (committed === this.#committed) return true;
    // kafkajs commits `reset` when an offset is out of range; the next batch shows what was lost.
    const isExplained = committed === 'reset' || committed === this.#attempted;
    if (isExplained) this.#committed = committed;
    return isExplained;
  }

  /**
   * Whether this is an offset that the previous owner of the partition has committed, and that the broker did
   * not report yet when the partition was opened. Everything before it is finished here, too.
   */
  catchesUp(committed: CommittedOffset): boolean {
    const known = this.#committed;
    const upTo = this.#finishedUpTo;
    const isExplained =
      isOffset(known) &&
      isOffset(committed) &&
      committed > known &&
      upTo !== undefined &&
      committed <= upTo;
    if (isExplained) this.#committed = committed;
    return isExplained;
  }

  /** The pending offset is sent to the broker now. */
  commitSent(): void {
    this.#attempted = this.#finishedUpTo;
    this.#finishedUpTo = undefined;
  }

  commitAcknowledged(offset: bigint): void {
    if (this.#attempted === offset) this.#attempted = undefined;
    this.#committed = offset;
    this.#finishedAt = this.#finishedUpTo === undefined ? undefined : Date.now();
  }

  /** The offset has to be sent again, unless a later one is pending by now. */
  commitFailed(offset: bigint): void {
    this.#finishedUpTo ??= offset;
  }
}

function findAnomaly(
  { topic, partition, committed, low, high }: PartitionPosition & TopicPartition,
  knownBefore: CommittedOffset | undefined,
): LogAnomaly | undefined {
  if (committed === 'none') return undefined;
  // Already reported, and not yet replaced by an offset of this group's members.
  if (committed === 'reset' && knownBefore === 'reset') return undefined;
  const from = committed === 'reset' ? knownBefore : committed;
  if (!isOffset(from)) {
    return low > 0n
      ? { kind: 'messages-lost', topic, partition, from: undefined, to: low }
      : undefined;
  }
  if (from < low) return { kind: 'messages-lost', topic, partition, from, to: low };
  if (from > high) return { kind: 'log-restarted', topic, partition, from, to: low };
  return undefined;
}
