import pMap from 'p-map';
import { OutcomeCounts, type OutcomeSnapshot } from '../../bridge/outcome-counts.ts';
import type { Environment } from '../../config/read-settings.ts';
import { readRanges } from '../../kafka/topic-reader.ts';
import type { OffsetRange } from '../../kafka/offset-ranges.ts';
import { chooseTopic } from '../../kafka/source-topics.ts';
import { fetchTopicEnds, partitionsOffline, type TopicEnds } from '../../kafka/topic-partitions.ts';
import { OperatorError } from '../../program/operator-error.ts';
import { RateLimit } from '../rate-limit.ts';
import { withReplay, type Replay, type ReplayOptions } from './open-replay.ts';

export interface ReplayRangeOptions extends ReplayOptions {
  /** Required if `KAFKA_TOPIC` lists several. */
  readonly topic: string | undefined;
  readonly partition: number;
  readonly range: OffsetRange;
  /** Maximum number of messages per second; Infinity for no limit. */
  readonly perSecond: number;
  /** @param waitingFor the dependencies that are unavailable, each with the reason */
  readonly onProgress: (handled: number, waitingFor: Readonly<Record<string, string>>) => void;
}

export interface RangeReplay extends OutcomeSnapshot {
  /** Messages that had a dead letter already and got no second one. */
  readonly deadLettersBefore: number;
}

const PROGRESS_INTERVAL_MS = 500;

/**
 * Submits old messages to Temporal again, through the bridge's own code and without changing the group's
 * offsets. Safe to repeat: Temporal answers a start that it has already accepted with the same run, another
 * message of the same order is a duplicate, and no dead letter is written twice.
 */
export const replayRange = (env: Environment, options: ReplayRangeOptions): Promise<RangeReplay> =>
  withReplay(
    env,
    options,
    {
      topics: (settings) => [chooseTopic(settings, options.topic)],
      ranges: async (admin, topic) => {
        checkRange(await fetchTopicEnds(admin, topic), topic, options);
        return new Map([[options.partition, options.range]]);
      },
    },
    (replay) => replayMessages(replay, options),
  );

async function replayMessages(
  { settings, kafka, ranges, replay, waitingFor }: Replay,
  { perSecond, dryRun, signal, onProgress }: ReplayRangeOptions,
): Promise<RangeReplay> {
  const rate = new RateLimit({
    perSecond: dryRun ? Number.POSITIVE_INFINITY : perSecond,
    signal,
  });
  const counts = new OutcomeCounts();
  let deadLettersBefore = 0;
  let handled = 0;
  const progress = setInterval(() => {
    onProgress(handled, waitingFor());
  }, PROGRESS_INTERVAL_MS);
  try {
    for (const [topic, ofTopic] of ranges) {
      await readRanges(
        { kafka, topic, ranges: ofTopic, groupPrefix: settings.bridge.groupId, signal },
        async ({ partition, messages }) => {
          await pMap(
            messages,
            async (message) => {
              await rate.pass();
              if (signal.aborted) return;
              counts.begin();
              const replayed = await replay({ topic, partition }, message);
              if (replayed.kind === 'existing-dead-letter') deadLettersBefore += 1;
              else if (replayed.kind !== 'would-submit') counts.record(replayed);
              handled += 1;
            },
            { concurrency: settings.bridge.maxConcurrentStarts },
          );
        },
      );
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    clearInterval(progress);
  }
  return { ...counts.snapshot(), read: handled, deadLettersBefore };
}

function checkRange(
  { ends, offline }: TopicEnds,
  topic: string,
  { partition, range }: ReplayRangeOptions,
): void {
  if (offline.includes(partition)) throw partitionsOffline(topic, [partition]);
  const end = ends.find((candidate) => candidate.partition === partition);
  if (!end) {
    throw new OperatorError(
      'PARTITION_NOT_FOUND',
      `"${topic}" has no partition ${partition}`,
      `use a partition from 0 to ${ends.length + offline.length - 1}`,
    );
  }
  if (range.from < BigInt(end.low) || range.to > BigInt(end.high)) {
    throw new OperatorError(
      'RANGE_INVALID',
      `Partition ${partition} of "${topic}" has the offsets from ${end.low} up to, but not including, ${end.high}`,
      'choose --from and --to within this range; older messages have been deleted from the topic',
    );
  }
  if (range.from >= range.to) {
    throw new OperatorError(
      'RANGE_INVALID',
      'The range is empty',
      'use a --to that is greater than --from',
    );
  }
}
