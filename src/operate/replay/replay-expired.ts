import type { Environment } from '../../config/read-settings.ts';
import {
  rangesAround,
  type MessagePosition,
  type OffsetRange,
  topicRanges,
} from '../../kafka/offset-ranges.ts';
import { readRanges } from '../../kafka/topic-reader.ts';
import { fetchAllTopicEnds } from '../../kafka/topic-partitions.ts';
import { ForgottenOrders, type ForgottenOutcome } from './forgotten-orders.ts';
import { withReplay, type Replay } from './open-replay.ts';

export interface ReplayForgottenOptions {
  /** Order ID to where its message stood, as far as somebody knows. */
  readonly places: ReadonlyMap<string, MessagePosition | undefined>;
  readonly dryRun: boolean;
  readonly signal: AbortSignal;
  /**
   * @param read how many messages have been looked through so far
   * @param waitingFor what does not answer just now, with the reason
   */
  readonly onProgress: (read: number, waitingFor: Readonly<Record<string, string>>) => void;
}

export interface ForgottenResult {
  /** Of each order whose message was found. */
  readonly outcomes: ReadonlyMap<string, ForgottenOutcome>;
  /** Order IDs that no message on the topic is about. */
  readonly gone: readonly string[];
}

const PROGRESS_INTERVAL_MS = 500;

/**
 * Runs orders again that Temporal no longer has: hands their messages on the topic to Temporal again, by
 * the bridge's own code. Looks at the places first and, for orders that are not there, through the whole
 * topic once. Throws an OperatorError when Kafka or Temporal cannot be reached.
 */
export const replayForgotten = (
  env: Environment,
  options: ReplayForgottenOptions,
): Promise<ForgottenResult> =>
  withReplay(
    env,
    { ...options, completed: false },
    async (admin, { kafka: { topic } }) => topicRanges(await fetchAllTopicEnds(admin, topic)),
    (replay) => searchTopic(replay, options),
  );

async function searchTopic(
  { settings, kafka, ranges, replay, waitingFor }: Replay,
  { places, signal, onProgress }: ReplayForgottenOptions,
): Promise<ForgottenResult> {
  const { topic } = settings.kafka;
  const orders = new ForgottenOrders([...places.keys()], replay);
  const enough = new AbortController();
  let read = 0;
  const progress = setInterval(() => {
    onProgress(read, waitingFor());
  }, PROGRESS_INTERVAL_MS);
  const search = (part: ReadonlyMap<number, OffsetRange>) =>
    readRanges(
      {
        ...{ kafka, topic, ranges: part, groupPrefix: settings.bridge.groupId },
        signal: AbortSignal.any([signal, enough.signal]),
      },
      async (batch) => {
        await orders.read(batch);
        read += batch.messages.length;
        if (orders.isSettled) enough.abort();
      },
    );
  try {
    const known = [...places.values()].filter((place) => place !== undefined);
    await search(rangesAround(known.filter((place) => isWithin(ranges, place))));
    if (!orders.isSettled) await search(ranges);
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    clearInterval(progress);
  }
  const { outcomes } = orders;
  // Interrupted, it cannot say what is not there.
  const gone = signal.aborted ? [] : [...places.keys()].filter((orderId) => !outcomes.has(orderId));
  return { outcomes, gone };
}

/** Retention may have deleted the message since. */
function isWithin(
  ranges: ReadonlyMap<number, OffsetRange>,
  { partition, offset }: MessagePosition,
): boolean {
  const range = ranges.get(partition);
  return range !== undefined && offset >= range.from && offset < range.to;
}
