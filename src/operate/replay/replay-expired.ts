import type { Priority } from '../../contract/priority.ts';
import type { Environment } from '../../config/read-settings.ts';
import {
  isWithin,
  rangesAround,
  topicRanges,
  type OffsetRange,
  type TopicPosition,
} from '../../kafka/offset-ranges.ts';
import { fetchAllTopicEnds } from '../../kafka/topic-partitions.ts';
import { readRanges } from '../../kafka/topic-reader.ts';
import { ExpiredOrderSearch, type ExpiredOrderOutcome } from './expired-orders.ts';
import { withReplay, type Replay } from './open-replay.ts';

export interface ReplayExpiredOptions {
  /** Order ID to the position of its message, if known. */
  readonly positions: ReadonlyMap<string, TopicPosition | undefined>;
  readonly priority: Priority;
  readonly dryRun: boolean;
  readonly signal: AbortSignal;
  /**
   * @param read how many messages have been searched so far
   * @param waitingFor the dependencies that are unavailable, each with the reason
   */
  readonly onProgress: (read: number, waitingFor: Readonly<Record<string, string>>) => void;
}

export interface ReplayExpiredResult {
  /** By order ID, for each order of which a message was found. */
  readonly outcomes: ReadonlyMap<string, ExpiredOrderOutcome>;
  /** The IDs of the orders of which the topics have no message. */
  readonly gone: readonly string[];
}

const PROGRESS_INTERVAL_MS = 500;

/**
 * Re-runs expired orders, which Temporal no longer has: submits their messages from the topics to Temporal
 * through the bridge's own code. Reads the known positions first and, for orders that are not found there,
 * each topic as a whole, once. Throws an OperatorError when Kafka or Temporal cannot be reached.
 */
export const replayExpired = (
  env: Environment,
  options: ReplayExpiredOptions,
): Promise<ReplayExpiredResult> =>
  withReplay(
    env,
    { ...options, completed: false },
    {
      topics: ({ topics }) => topics,
      ranges: async (admin, topic) => topicRanges(await fetchAllTopicEnds(admin, topic)),
    },
    (replay) => searchTopics(replay, options),
  );

async function searchTopics(
  { settings, kafka, reader, ranges, replay, waitingFor }: Replay,
  { positions, signal, onProgress }: ReplayExpiredOptions,
): Promise<ReplayExpiredResult> {
  const orders = new ExpiredOrderSearch([...positions.keys()], reader, replay);
  const allSettled = new AbortController();
  let read = 0;
  const progress = setInterval(() => {
    onProgress(read, waitingFor());
  }, PROGRESS_INTERVAL_MS);
  const search = (topic: string, searched: ReadonlyMap<number, OffsetRange>) =>
    readRanges(
      {
        kafka,
        topic,
        ranges: searched,
        groupPrefix: settings.bridge.groupId,
        signal: AbortSignal.any([signal, allSettled.signal]),
      },
      async (batch) => {
        await orders.read(topic, batch);
        read += batch.messages.length;
        if (orders.isSettled) allSettled.abort();
      },
    );
  try {
    const known = [...positions.values()].filter((position) => position !== undefined);
    // Retention may have deleted the message since.
    for (const [topic, ofTopic] of ranges) {
      const here = known.filter((one) => one.topic === topic && isWithin(ofTopic, one));
      await search(topic, rangesAround(here));
    }
    for (const [topic, ofTopic] of ranges) {
      if (!orders.isSettled) await search(topic, ofTopic);
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    clearInterval(progress);
  }
  const { outcomes } = orders;
  // An interrupted search does not show that a message is missing.
  const gone = signal.aborted
    ? []
    : [...positions.keys()].filter((orderId) => !outcomes.has(orderId));
  return { outcomes, gone };
}
