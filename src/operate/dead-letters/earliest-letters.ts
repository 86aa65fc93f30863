import { askBroker } from '../../kafka/ask-broker.ts';
import { readRanges } from '../../kafka/read-ranges.ts';
import { fetchAllTopicEnds } from '../../kafka/topic-partitions.ts';
import { maxFutureTimestamp } from '../../kafka/topics.ts';
import type { IndexedSource, IndexOptions } from './dead-letter-index.ts';
import type { DeadLetterTopic } from './read-dead-letters.ts';

/** A dead-letter topic with fewer offsets is read as a whole: that takes less time than a look at the source. */
const SMALL_TOPIC_OFFSETS = 100_000n;
/** Within how many offsets the first message of a range is looked for: some may be gone. */
const FIRST_MESSAGE_WITHIN = 1000n;
/** By which the clocks of brokers and bridges may differ. */
const CLOCK_DIFFERENCE_MS = 24 * 60 * 60 * 1000;

/**
 * From when on the dead letters of these messages can have been written: milliseconds since 1970.
 * Undefined where that cannot be said, and where it is not worth the effort.
 */
export async function earliestLetters(
  { kafka, topic, groupPrefix }: DeadLetterTopic,
  source: IndexedSource,
  { signal, smallTopicOffsets = SMALL_TOPIC_OFFSETS }: IndexOptions = {},
): Promise<number | undefined> {
  const { offsets, maxFutureMs } = await askBroker(kafka, async (admin) => ({
    offsets: (await fetchAllTopicEnds(admin, topic)).reduce(
      (sum, { low, high }) => sum + BigInt(high) - BigInt(low),
      0n,
    ),
    maxFutureMs: await maxFutureTimestamp(admin, source.topic),
  }));
  if (offsets < smallTopicOffsets || maxFutureMs === undefined) return undefined;
  const ranges = new Map([...source.ranges].filter(([, { from, to }]) => from < to));
  const starts = new Map(
    [...ranges].map(([partition, { from, to }]) => {
      const end = from + FIRST_MESSAGE_WITHIN;
      return [partition, { from, to: end < to ? end : to }];
    }),
  );
  const first = new Map<number, number>();
  await readRanges(
    {
      ...{ kafka, topic: source.topic, ranges: starts, groupPrefix },
      ...(signal ? { signal } : {}),
    },
    ({ partition, messages }) => {
      const [message] = messages;
      if (message && !first.has(partition)) first.set(partition, Number(message.timestamp));
      return Promise.resolve();
    },
  );
  return writtenSince(
    [...ranges.keys()].map((partition) => first.get(partition)),
    maxFutureMs,
  );
}

/**
 * A message is appended no earlier than its timestamp, but for what the broker lets producers date
 * ahead, and all that follow it in its partition are appended later. A dead letter is written after
 * its message was appended, by the clock of a bridge.
 *
 * @param firstTimestamps of the first message of each range; undefined where it was not found
 * @param maxFutureMs by how much the broker lets a timestamp be ahead of its own clock
 */
export function writtenSince(
  firstTimestamps: readonly (number | undefined)[],
  maxFutureMs: number,
): number | undefined {
  let earliest: number | undefined;
  for (const timestamp of firstTimestamps) {
    // -1 is a message without a timestamp.
    if (timestamp === undefined || !(timestamp >= 0)) return undefined;
    earliest = Math.min(earliest ?? timestamp, timestamp);
  }
  if (earliest === undefined) return undefined;
  return Math.max(0, earliest - maxFutureMs - CLOCK_DIFFERENCE_MS);
}
