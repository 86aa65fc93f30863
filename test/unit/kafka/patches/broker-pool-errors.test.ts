import kafkajs from 'kafkajs';
import BrokerPool from 'kafkajs/src/cluster/brokerPool.js';
import { isOneBrokerUnreachable } from '../../../../src/kafka/kafkajs-errors.ts';
import { reportBrokerPoolErrors } from '../../../../src/kafka/patches/broker-pool-errors.ts';

const refused = new kafkajs.KafkaJSConnectionError('refused');
const denied = Object.assign(new Error('denied'), { type: 'GROUP_AUTHORIZATION_FAILED' });

/** A pool of brokers in these states. */
function poolOf(
  brokers: Readonly<Record<string, 'reachable' | 'unreachable' | 'connected'>>,
): BrokerPool {
  const bare = Object.create(BrokerPool.prototype) as BrokerPool;
  return Object.assign(bare, {
    brokers: Object.fromEntries(
      Object.entries(brokers).map(([nodeId, state]) => [
        nodeId,
        { isConnected: () => state === 'connected' },
      ]),
    ),
    findBroker: ({ nodeId }: { readonly nodeId: string }) =>
      brokers[nodeId] === 'unreachable'
        ? Promise.reject(refused)
        : Promise.resolve({ isConnected: () => true }),
    metadataExpireAt: 1,
  });
}

const answered = ({ nodeId }: { readonly nodeId: string }) => Promise.resolve(`by ${nodeId}`);

// Once kafkajs reports the error and asks the next broker, the patch is not needed any more.
test('kafkajs by itself drops the error that a broker answers with, and fails at an unreachable broker', async () => {
  const dropped = await poolOf({ 1: 'reachable' }).withBroker(() => Promise.reject(denied));
  expect(dropped).toBeNull();
  await expect(poolOf({ 1: 'unreachable' }).withBroker(answered)).rejects.toBe(refused);
});

describe('with the patch', () => {
  beforeAll(reportBrokerPoolErrors);

  test('the next broker is asked when one is unreachable', async () => {
    const pool = poolOf({ 1: 'unreachable', 2: 'reachable', 3: 'unreachable' });
    await expect(pool.withBroker(answered)).resolves.toBe('by 2');
  });

  test('a broker that is connected already is asked first', async () => {
    const pool = poolOf({ 1: 'reachable', 2: 'connected', 3: 'reachable' });
    for (let n = 0; n < 10; n += 1) {
      await expect(pool.withBroker(answered)).resolves.toBe('by 2');
    }
  });

  test('the error is the one that a broker answers with, not that another one is unreachable', async () => {
    const failing = () => Promise.reject(denied);
    const pool = poolOf({ 1: 'unreachable', 2: 'reachable', 3: 'unreachable' });
    await expect(pool.withBroker(failing)).rejects.toBe(denied);
    await expect(poolOf({ 1: 'unreachable' }).withBroker(failing)).rejects.toBe(refused);
    // Each broker would take half a minute to answer that there is no coordinator.
    const asked: string[] = [];
    const none = Object.assign(new Error('none'), { type: 'GROUP_COORDINATOR_NOT_AVAILABLE' });
    const coordinator = poolOf({ 1: 'reachable', 2: 'reachable' }).withBroker(({ nodeId }) => {
      asked.push(nodeId);
      return Promise.reject(none);
    });
    await expect(coordinator).rejects.toBe(none);
    expect(asked).toHaveLength(1);
    // The brokers may have changed.
    expect(pool.metadataExpireAt).toBeNull();
  });

  test('an unreachable broker is told from an unreachable cluster', async () => {
    for (const [others, isSeedConnected, isOne] of [
      [{ 2: 'connected' }, false, true],
      [{ 2: 'reachable' }, false, false],
      [{}, false, false],
      // The bootstrap server has another name than the one that the broker advertises.
      [{ 2: 'reachable' }, true, true],
      // There is a single broker, and its advertised name is wrong.
      [{}, true, false],
    ] as const) {
      const error = new kafkajs.KafkaJSConnectionError('refused');
      const pool = Object.assign(poolOf({ 1: 'unreachable', ...others }), {
        findBroker: BrokerPool.prototype.findBroker,
        connectBroker: () => Promise.reject(error),
        seedBroker: { isConnected: () => isSeedConnected },
      });
      await expect(pool.findBroker({ nodeId: '1' })).rejects.toBe(error);
      expect(isOneBrokerUnreachable(error)).toBe(isOne);
    }
  });
});
