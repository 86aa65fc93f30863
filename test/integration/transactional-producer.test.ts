import { createTransactionalProducer } from '../../src/kafka/transactional-producer.ts';
import { createTestTopic } from '../support/kafka.ts';
import { uniqueName } from '../support/stack.ts';

test('connecting fences the previous producer with the transactional ID, before anything is sent', async () => {
  const topic = await createTestTopic();
  const id = uniqueName('transactions');
  const [first, second] = [1, 2].map(() => createTransactionalProducer(topic.kafka, id));
  if (!first || !second) throw new Error('two producers');
  const messages = [{ key: null, value: 'x', partition: 0 }];
  const send = (producer: typeof first) =>
    producer.transact({ topic: topic.name, messages }, { topic: topic.deadLetterTopic, messages });
  try {
    await first.connect();
    expect(await send(first)).toEqual({ kind: 'committed' });
    await second.connect();
    await expect(send(first)).rejects.toMatchObject({
      code: 'KAFKA_TRANSACTION_FENCED',
    });
    expect(await send(second)).toEqual({ kind: 'committed' });
  } finally {
    await Promise.all([first.disconnect(), second.disconnect()]);
    await topic.close();
  }
});
