import ConsumerGroup from 'kafkajs/src/consumer/consumerGroup.js';
import { observeGroup, type GroupObserver } from '../../../../src/kafka/patches/consumer-group.ts';

const named = (name: string, message = name) => Object.assign(new Error(message), { name });

/** A group of a cluster with brokers 1 and 2, in which fetching fails like this. */
function groupWith(failure: Error, isOtherConnected: boolean): ConsumerGroup {
  const cluster = {
    refreshMetadataIfNecessary: () => Promise.reject(failure),
    brokerPool: {
      metadata: { brokers: [{ nodeId: 1 }, { nodeId: 2 }] },
      metadataExpireAt: 0,
      brokers: {
        1: { isConnected: () => isOtherConnected },
        2: { isConnected: () => false },
      },
    },
  };
  const bare = Object.create(ConsumerGroup.prototype) as ConsumerGroup;
  return Object.assign(bare, { cluster });
}

const unreachable = named('KafkaJSConnectionError', 'connect ECONNREFUSED');

// Once kafkajs can do this by itself, that part of the patch is not needed any more.
test('kafkajs by itself lets one broker that cannot be reached end the fetches from all', async () => {
  await expect(groupWith(unreachable, true).fetch('2')).rejects.toThrow('ECONNREFUSED');
});

describe('with the patch', () => {
  let seen: string[];
  const observe = (group: ConsumerGroup) => {
    const observer: GroupObserver = {
      fetched: (broker) => seen.push(`fetched from ${broker}`),
      nothingToFetch: (broker) => seen.push(`nothing to fetch from ${broker}`),
      fetchFailed: (broker, error) => seen.push(`${broker}: ${error.message}`),
      groupFailed: (error) => seen.push(`group: ${String(error)}`),
      invisibleBatch: () => seen.push('invisible batch'),
    };
    observeGroup(group.cluster, observer);
    return group;
  };
  beforeEach(() => {
    seen = [];
  });

  test('it is reported, and is no failure of the consumer while others are connected', async () => {
    expect(await observe(groupWith(unreachable, true)).fetch('2')).toEqual([]);
    expect(seen).toEqual(['2: connect ECONNREFUSED']);
  });

  test('without any broker that is connected the consumer fails as before', async () => {
    await expect(observe(groupWith(unreachable, false)).fetch('2')).rejects.toThrow('ECONNREFUSED');
    expect(seen).toContain('2: connect ECONNREFUSED');
  });

  test('an error that concerns more than the broker fails the consumer as before', async () => {
    const refusal = named('KafkaJSProtocolError', 'not authorized');
    await expect(observe(groupWith(refusal, true)).fetch('2')).rejects.toThrow('not authorized');
    expect(seen).toContain('2: not authorized');
  });
});
