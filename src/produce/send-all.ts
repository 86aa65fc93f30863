import type { MessageProducer, OutgoingMessage } from '../kafka/producer.ts';

const BATCH_SIZE = 500;

/** Sends all messages in their order and answers with their number. Memory is bounded by a batch. */
export async function sendAll(
  producer: MessageProducer,
  topic: string,
  messages: Iterable<OutgoingMessage> | AsyncIterable<OutgoingMessage>,
  onProgress: (sent: number) => void,
): Promise<number> {
  let sent = 0;
  let batch: OutgoingMessage[] = [];
  const flush = async () => {
    if (batch.length === 0) return;
    await producer.send(topic, batch);
    sent += batch.length;
    batch = [];
    onProgress(sent);
  };
  for await (const message of messages) {
    batch.push(message);
    if (batch.length === BATCH_SIZE) await flush();
  }
  await flush();
  return sent;
}
