import type { Kafka } from 'kafkajs';
import { readRanges, type RangeBatch } from './read-ranges.ts';

/** Reads a topic from its oldest message to its present end. See `readRanges`. */
export async function readWholeTopic(
  kafka: Kafka,
  topic: string,
  groupPrefix: string,
  onBatch: (batch: RangeBatch) => Promise<void>,
  signal?: AbortSignal,
): Promise<void> {
  const admin = kafka.admin();
  await admin.connect();
  const ends = await admin.fetchTopicOffsets(topic).finally(() => admin.disconnect());
  const ranges = new Map(
    ends.map(({ partition, low, high }) => [partition, { from: BigInt(low), to: BigInt(high) }]),
  );
  await readRanges({ kafka, topic, ranges, groupPrefix, ...(signal ? { signal } : {}) }, onBatch);
}
