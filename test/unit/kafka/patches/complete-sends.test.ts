import kafkajs, { type ICustomPartitioner, type Message } from 'kafkajs';
import createSendMessages, { type ProduceRequest } from 'kafkajs/src/producer/sendMessages.js';
import {
  rememberingPartitioner,
  sendCompletely,
} from '../../../../src/kafka/patches/complete-sends.ts';

const TOPIC = 'orders';

/**
 * kafkajs's `send` to two brokers. Broker 2 leads partition 1 until the first request to it, which fails
 * after broker 1 has acknowledged its own partitions. From then on broker 1 leads all of them.
 */
function failingOver(createPartitioner: ICustomPartitioner, partitionCount = 2) {
  const written: string[] = [];
  let hasMoved = false;
  const partitions = Array.from({ length: partitionCount }, (_, partition) => partition);
  const leaderOf = (partition: number) => (partition === 1 && !hasMoved ? 2 : 1);
  const broker = (nodeId: string) => ({
    nodeId,
    async produce({ topicData }: ProduceRequest) {
      if (nodeId === '2') {
        await new Promise(setImmediate);
        hasMoved = true;
        throw Object.assign(new Error('not the leader'), { retriable: true });
      }
      const write = ({
        partition,
        messages,
      }: {
        partition: number;
        messages: readonly Message[];
      }) => {
        written.push(...messages.map(({ value }) => `${partition}:${String(value)}`));
        return { partition, errorCode: 0 };
      };
      return Promise.resolve({
        topics: topicData.map((data) => ({
          topicName: data.topic,
          partitions: data.partitions.map(write),
        })),
      });
    },
  });
  const brokers = { '1': broker('1'), '2': broker('2') };
  const done = () => Promise.resolve();
  const sendMessages = createSendMessages({
    logger: { debug: () => undefined, error: () => undefined },
    cluster: {
      addMultipleTargetTopics: done,
      refreshMetadataIfNecessary: done,
      refreshMetadata: done,
      isConnected: () => true,
      findTopicPartitionMetadata: () =>
        partitions.map((partitionId) => ({ partitionId, leader: leaderOf(partitionId) })),
      findLeaderForPartitions: (_, wanted) => {
        const known = wanted.map(Number).filter((partition) => partition < partitionCount);
        return Object.fromEntries(
          [...new Set(known.map(leaderOf))].map((leader) => [
            String(leader),
            known.filter((partition) => leaderOf(partition) === leader),
          ]),
        );
      },
      findBroker: ({ nodeId }) => Promise.resolve(nodeId === '1' ? brokers['1'] : brokers['2']),
    },
    partitioner: createPartitioner(),
    eosManager: {
      acquireBrokerLock: done,
      releaseBrokerLock: done,
      isTransactional: () => false,
      getSequence: () => 0,
      updateSequence: () => undefined,
      getProducerId: () => -1,
      getProducerEpoch: () => 0,
    },
    retrier: (attempt) => attempt().catch(attempt),
  });
  return {
    written,
    send: ({ topic, messages }: { readonly topic: string; readonly messages: Message[] }) =>
      sendMessages({ acks: -1, topicMessages: [{ topic, messages }] }),
  };
}

const toPartition = (partition: number): Message => ({ partition, value: `m${partition}` });
const record = (...messages: Message[]) => ({ topic: TOPIC, messages });

// Once kafkajs sends the messages of both partitions, the patch is not needed any more.
test('kafkajs by itself reports success without the messages of the partition that has moved', async () => {
  const { send, written } = failingOver(kafkajs.Partitioners.DefaultPartitioner);
  await send(record(toPartition(0), toPartition(1)));
  expect(written).toEqual(['0:m0']);
});

test('sends the messages of the partition that has moved, and no other twice', async () => {
  const { send, written } = failingOver(rememberingPartitioner);
  await sendCompletely(send, record(toPartition(0), toPartition(1)));
  expect(written).toEqual(['0:m0', '1:m1']);
});

test('messages without a key stay in the partition that was chosen first', async () => {
  const { send, written } = failingOver(rememberingPartitioner, 3);
  const messages = Array.from({ length: 10 }, (_, index) => ({ value: `m${index}` }));
  await sendCompletely(send, record(...messages));
  expect(written.map((text) => text.split(':')[1]).sort()).toEqual(
    messages.map(({ value }) => value),
  );
});

test('rejects when the partition of the messages is not known', async () => {
  const { send, written } = failingOver(rememberingPartitioner);
  await expect(sendCompletely(send, record(toPartition(0), toPartition(7)))).rejects.toThrow(
    'no broker has acknowledged the messages',
  );
  expect(written).toEqual(['0:m0']);
});
