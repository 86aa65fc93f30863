import { readMessage } from '../contract/read-message.ts';
import { askBroker } from '../kafka/ask-broker.ts';
import type { KafkaClient } from '../kafka/kafka-client.ts';
import { readRanges } from '../kafka/read-ranges.ts';
import { readWholeTopic } from '../kafka/read-whole-topic.ts';

/** Where a message stands on the topic. */
export interface MessagePlace {
  readonly partition: number;
  readonly offset: bigint;
}

export interface SearchedTopic {
  readonly kafka: KafkaClient;
  readonly topic: string;
  readonly groupPrefix: string;
  readonly maxInputBytes: number;
}

/** Whether the message at this place is there, and is about this order. */
export async function standsAt(
  { kafka, topic, groupPrefix, maxInputBytes }: SearchedTopic,
  orderId: string,
  { partition, offset }: MessagePlace,
  signal: AbortSignal,
): Promise<boolean> {
  const ends = await askBroker(kafka, (admin) => admin.fetchTopicOffsets(topic));
  const end = ends.find((candidate) => candidate.partition === partition);
  if (!end || offset < BigInt(end.low) || offset >= BigInt(end.high)) return false;
  let isThere = false;
  const ranges = new Map([[partition, { from: offset, to: offset + 1n }]]);
  await readRanges({ kafka, topic, ranges, groupPrefix, signal }, ({ messages }) => {
    isThere = messages.some(({ value }) => {
      const read = readMessage(value, maxInputBytes);
      return read.kind === 'order' && read.orderId === orderId;
    });
    return Promise.resolve();
  });
  return isThere;
}

/**
 * Finds the first message of each of these orders, by reading the topic from its beginning to its
 * present end. An order whose message is no longer there is left out.
 */
export async function findMessages(
  { kafka, topic, groupPrefix, maxInputBytes }: SearchedTopic,
  orderIds: readonly string[],
  signal: AbortSignal,
  onProgress: (read: number) => void,
): Promise<ReadonlyMap<string, MessagePlace>> {
  const found = new Map<string, MessagePlace>();
  // Most messages do not have the text of any at all: cheaper than reading each as JSON.
  const texts = orderIds.map((orderId) => JSON.stringify(orderId).slice(1, -1));
  let count = 0;
  await readWholeTopic(
    kafka,
    topic,
    groupPrefix,
    ({ partition, messages }) => {
      for (const { value, offset } of messages) {
        if (!value || !texts.some((text) => value.includes(text))) continue;
        const read = readMessage(value, maxInputBytes);
        if (read.kind === 'order' && orderIds.includes(read.orderId) && !found.has(read.orderId)) {
          found.set(read.orderId, { partition, offset: BigInt(offset) });
        }
      }
      count += messages.length;
      onProgress(count);
      return Promise.resolve();
    },
    signal,
  );
  return found;
}
