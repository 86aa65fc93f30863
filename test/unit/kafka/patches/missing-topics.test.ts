import BrokerPool from 'kafkajs/src/cluster/brokerPool.js';
import metadataRequest from 'kafkajs/src/protocol/requests/metadata/index.js';
import {
  missingTopics,
  tolerateMissingTopics,
} from '../../../../src/kafka/patches/missing-topics.ts';

const NO_ERROR = 0;
const UNKNOWN_TOPIC = 3;
const TOPIC_DENIED = 29;

const { refreshMetadata } = BrokerPool.prototype;

/** Parses a response about topics with these errors, as the metadata of a pool. */
const parse = (errors: Readonly<Record<string, number>>) => {
  const topics = Object.entries(errors).map(([topic, topicErrorCode]) => ({
    ...{ topic, topicErrorCode },
    partitionMetadata:
      topicErrorCode === NO_ERROR
        ? [{ partitionId: 0, partitionErrorCode: NO_ERROR, leader: 1 }]
        : [],
  }));
  const { response } = metadataRequest.protocol({ version: 6 })({ topics: Object.keys(errors) });
  return response.parse({ topicMetadata: topics });
};

/** A pool whose broker reports topics with these errors. */
function poolOf(errors: Readonly<Record<string, number>>): BrokerPool {
  const bare = Object.create(BrokerPool.prototype) as BrokerPool;
  return Object.assign(bare, { metadata: null, metadataExpireAt: Date.now() + 60_000, errors });
}

afterAll(() => {
  BrokerPool.prototype.refreshMetadata = refreshMetadata;
});
BrokerPool.prototype.refreshMetadata = async function () {
  const { errors } = this as BrokerPool & { readonly errors: Readonly<Record<string, number>> };
  const { topicMetadata } = await parse(errors);
  Object.assign(this, { metadata: { brokers: [], topicMetadata } });
};

const ONE_MISSING = { orders: NO_ERROR, returns: UNKNOWN_TOPIC };

// Once kafkajs accepts the response, the patch is not needed any more.
test('kafkajs by itself rejects the whole response for one missing topic', async () => {
  await expect(parse(ONE_MISSING)).rejects.toThrow('does not host this topic-partition');
});

describe('with the patch', () => {
  /** The pool of a client that reads the topics that exist, after it has asked for them. */
  const tolerant = async (errors: Readonly<Record<string, number>>) => {
    const brokerPool = poolOf(errors);
    tolerateMissingTopics({ brokerPool });
    await brokerPool.refreshMetadata(Object.keys(errors));
    return brokerPool;
  };
  const clusterOf = ({ metadata }: BrokerPool) => ({
    findTopicPartitionMetadata: (topic: string) =>
      metadata?.topicMetadata.find((one) => one.topic === topic)?.partitionMetadata ?? [],
  });

  test('a missing topic is known as such, the other has its partitions, and both are asked for again soon', async () => {
    const pool = await tolerant(ONE_MISSING);
    expect(missingTopics(clusterOf(pool), ['orders', 'returns'])).toEqual(['returns']);
    expect(clusterOf(pool).findTopicPartitionMetadata('orders')).toHaveLength(1);
    expect(pool.metadataExpireAt).toBeLessThanOrEqual(Date.now() + 2000);
  });

  test('nothing changes while every topic exists', async () => {
    const pool = await tolerant({ orders: NO_ERROR, returns: NO_ERROR });
    expect(missingTopics(clusterOf(pool), ['orders', 'returns'])).toEqual([]);
    expect(pool.metadataExpireAt).toBeGreaterThan(Date.now() + 10_000);
  });

  test('a response in which every topic is missing is still rejected, and so is any other error', async () => {
    const missing = 'does not host this topic-partition';
    await expect(tolerant({ orders: UNKNOWN_TOPIC })).rejects.toThrow(missing);
    await expect(tolerant({ orders: UNKNOWN_TOPIC, returns: UNKNOWN_TOPIC })).rejects.toThrow(
      missing,
    );
    await expect(tolerant({ orders: NO_ERROR, returns: TOPIC_DENIED })).rejects.toThrow(
      'authorized',
    );
  });

  test('other clients still get an error, which tells them that a topic does not exist', async () => {
    await tolerant(ONE_MISSING);
    await expect(poolOf(ONE_MISSING).refreshMetadata(['orders', 'returns'])).rejects.toThrow(
      'does not host this topic-partition',
    );
  });
});
