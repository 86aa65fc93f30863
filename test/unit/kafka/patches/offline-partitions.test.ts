import metadataRequest, {
  type TopicMetadata,
} from 'kafkajs/src/protocol/requests/metadata/index.js';
import {
  partitionsWithoutLeader,
  tolerateOfflinePartitions,
} from '../../../../src/kafka/patches/offline-partitions.ts';

const LEADER_NOT_AVAILABLE = 5;
const UNKNOWN_TOPIC = 3;

/** How kafkajs parses a response in which partition 1 has this error. */
const parse = (partitionErrorCode: number, topicErrorCode = 0) => {
  const topic = {
    topic: 'orders',
    topicErrorCode,
    partitionMetadata: [
      { partitionId: 0, partitionErrorCode: 0, leader: 1 },
      { partitionId: 1, partitionErrorCode, leader: -1 },
    ],
  };
  const { response } = metadataRequest.protocol({ version: 6 })({ topics: ['orders'] });
  return response.parse({ topicMetadata: [topic] });
};

// Once kafkajs accepts the response, the patch is not needed any more.
test('kafkajs by itself rejects the whole response for one partition without a leader', async () => {
  await expect(parse(LEADER_NOT_AVAILABLE)).rejects.toThrow('no leader for this topic-partition');
});

describe('with the patch', () => {
  beforeAll(() => {
    tolerateOfflinePartitions();
  });

  test('a partition without a leader is known as such, and the others have their leaders', async () => {
    const { topicMetadata } = await parse(LEADER_NOT_AVAILABLE);
    expect(topicMetadata[0]?.partitionMetadata.map(({ leader }) => leader)).toEqual([1, -1]);
    const cluster = {
      findTopicPartitionMetadata: () =>
        topicMetadata[0]?.partitionMetadata ?? ([] as TopicMetadata['partitionMetadata']),
    };
    expect(partitionsWithoutLeader(cluster, 'orders')).toEqual([1]);
  });

  test('any other error still rejects the response', async () => {
    await expect(parse(0, UNKNOWN_TOPIC)).rejects.toThrow('does not host this topic-partition');
    await expect(parse(UNKNOWN_TOPIC)).rejects.toThrow('does not host this topic-partition');
  });
});
