import { Kafka, logLevel } from 'kafkajs';
import ConsumerGroup from 'kafkajs/src/consumer/consumerGroup.js';
import OffsetManager from 'kafkajs/src/consumer/offsetManager/index.js';
import {
  commitOfGeneration,
  observeGroup,
  type GroupObserver,
} from '../../../../src/kafka/patches/consumer-group.ts';

const named = (name: string, message = name) => Object.assign(new Error(message), { name });

/** A consumer group on brokers 1 and 2 in which fetching fails with this error. */
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

// Once these fail, that part of the patch is not needed any more.
test('kafkajs by itself ends the fetches from all brokers when one is unreachable', async () => {
  await expect(groupWith(unreachable, true).fetch('2')).rejects.toThrow('ECONNREFUSED');
});

test('kafkajs by itself has no event for a failed heartbeat, and none for a failed fetch', () => {
  const kafka = new Kafka({ brokers: ['unused'], logLevel: logLevel.NOTHING });
  expect(Object.keys(kafka.consumer({ groupId: 'group' }).events).sort()).toEqual([
    ...['COMMIT_OFFSETS', 'CONNECT', 'CRASH', 'DISCONNECT', 'END_BATCH_PROCESS', 'FETCH'],
    ...['FETCH_START', 'GROUP_JOIN', 'HEARTBEAT', 'REBALANCING', 'RECEIVED_UNSUBSCRIBED_TOPICS'],
    ...['REQUEST', 'REQUEST_QUEUE_SIZE', 'REQUEST_TIMEOUT', 'START_BATCH_PROCESS', 'STOP'],
  ]);
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

  test('an unreachable broker is reported, and does not end the fetches while another one is connected', async () => {
    expect(await observe(groupWith(unreachable, true)).fetch('2')).toEqual([]);
    expect(seen).toEqual(['2: connect ECONNREFUSED']);
  });

  test('an unreachable broker fails the consumer when no other one is connected', async () => {
    await expect(observe(groupWith(unreachable, false)).fetch('2')).rejects.toThrow('ECONNREFUSED');
    expect(seen).toContain('2: connect ECONNREFUSED');
  });

  test('an error that is not about the connection fails the consumer', async () => {
    const rejection = named('KafkaJSProtocolError', 'not authorized');
    await expect(observe(groupWith(rejection, true)).fetch('2')).rejects.toThrow('not authorized');
    expect(seen).toContain('2: not authorized');
  });
});

describe("when another broker has become the group's coordinator", () => {
  let asked: string[];
  const broker = (name: string, failure?: Error) => ({
    isConnected: () => true,
    offsetCommit() {
      asked.push(name);
      return failure ? Promise.reject(failure) : Promise.resolve();
    },
  });
  const rejection = Object.assign(new Error('This is not the correct coordinator for this group'), {
    type: 'NOT_COORDINATOR_FOR_GROUP',
  });
  const offsets = { topics: [{ topic: 'orders', partitions: [{ partition: 0, offset: '10' }] }] };

  /** A group whose generation began at `former`, and whose heartbeats go to `current`. */
  async function groupAfterTakeover() {
    const cluster = {
      refreshMetadata: () => Promise.resolve(),
      committedOffsets: () => ({ orders: {} }),
    };
    const former = broker('former', rejection);
    const offsetManager = new OffsetManager({
      ...{ cluster, coordinator: former, memberAssignment: { orders: [0] } },
      ...{ groupId: 'group', generationId: 1, memberId: 'bridge-1' },
      instrumentationEmitter: { emit: () => undefined },
    });
    const bare = Object.create(ConsumerGroup.prototype) as ConsumerGroup;
    const group = Object.assign(bare, {
      ...{ cluster, offsetManager, coordinator: former },
      retrier: () => Promise.resolve(),
    });
    observe(group);
    await group.joinAndSync();
    return { cluster, offsetManager, takeOver: () => (group.coordinator = broker('current')) };
  }

  const observe = (group: ConsumerGroup) => {
    const ignore = () => undefined;
    observeGroup(group.cluster, {
      ...{ fetched: ignore, nothingToFetch: ignore, fetchFailed: ignore },
      ...{ groupFailed: ignore, invisibleBatch: ignore },
    });
  };

  beforeEach(() => {
    asked = [];
  });

  // Once this fails, that part of the patch is not needed any more.
  test('kafkajs by itself keeps committing at the former one', async () => {
    const { offsetManager, takeOver } = await groupAfterTakeover();
    takeOver();
    await expect(offsetManager.commitOffsets(offsets)).rejects.toBe(rejection);
    await expect(offsetManager.commitOffsets(offsets)).rejects.toBe(rejection);
    expect(asked).toEqual(['former', 'former']);
  });

  test('the patch commits where the heartbeats go, in the same generation', async () => {
    const { cluster, takeOver } = await groupAfterTakeover();
    const commit = commitOfGeneration(cluster);
    takeOver();
    await commit(offsets);
    expect(asked).toEqual(['current']);
  });
});
