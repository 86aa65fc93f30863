import type { TestTopic } from '../../test/support/kafka.ts';
import { uniqueName } from '../../test/support/stack.ts';
import { orderText } from './orders.ts';

const BATCH = 2000;

/**
 * Sends `count` orders to the topic, evenly over its partitions.
 *
 * @param run the prefix of their IDs: the same prefix gives the same orders
 * @param messageOf the message for an order ID
 */
export async function fillTopic(
  topic: TestTopic,
  count: number,
  run = uniqueName('A'),
  messageOf: (orderId: string) => string = orderText,
): Promise<void> {
  for (let sent = 0; sent < count; sent += BATCH) {
    await topic.send(
      Array.from({ length: Math.min(BATCH, count - sent) }, (_, n) => {
        const orderId = `${run}-${sent + n}`;
        return { key: orderId, value: messageOf(orderId) };
      }),
    );
  }
}
