import type { TestTopic } from '../../test/support/kafka.ts';
import { uniqueName } from '../../test/support/stack.ts';
import { orderText } from './orders.ts';

const BATCH = 2000;

/**
 * Puts as many orders on the topic, evenly over its partitions.
 *
 * @param run the beginning of their IDs: the same again makes the same orders
 * @param messageOf the message of one order
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
