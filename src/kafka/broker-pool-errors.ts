import BrokerPool, { type BrokerQuestion } from 'kafkajs/src/cluster/brokerPool.js';

let isPatched = false;

/**
 * Has every kafkajs client of this process report why no broker could answer a request that any broker
 * can. kafkajs 2.2.4 drops those errors ("Failed to find group coordinator" for a missing right, a
 * TypeError for missing metadata), and gives up when the first broker that it picks is unreachable
 * although another one would answer.
 */
export function reportBrokerPoolErrors(): void {
  if (isPatched) return;
  isPatched = true;
  const { withBroker } = BrokerPool.prototype;
  BrokerPool.prototype.withBroker = async function <Result>(
    this: BrokerPool,
    callback: BrokerQuestion<Result>,
  ): Promise<Result | null> {
    const nodeIds = Object.keys(this.brokers);
    const original: (this: BrokerPool, callback: BrokerQuestion<Result>) => Promise<Result | null> =
      withBroker;
    // Throws the error on which kafkajs reads the metadata, which names the brokers.
    if (nodeIds.length === 0) return original.call(this, callback);
    return firstAnswer(nodeIds, async (nodeId) =>
      callback({ nodeId, broker: await this.findBroker({ nodeId }) }),
    );
  };
}

/**
 * Asks one broker after the other, in random order, until one answers. Throws what a broker answered
 * with rather than why another one could not be reached.
 */
export async function firstAnswer<Result>(
  nodeIds: readonly string[],
  ask: (nodeId: string) => Promise<Result>,
): Promise<Result> {
  let failure: unknown;
  for (const nodeId of shuffled(nodeIds)) {
    try {
      return await ask(nodeId);
    } catch (error) {
      if (failure === undefined || isUnreachable(failure)) failure = error;
    }
  }
  throw failure;
}

const isUnreachable = (error: unknown): boolean =>
  error instanceof Error && /^KafkaJS(Connection|BrokerNotFound|LockTimeout)/.test(error.name);

const shuffled = (nodeIds: readonly string[]): readonly string[] =>
  nodeIds
    .map((nodeId) => ({ nodeId, at: Math.random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ nodeId }) => nodeId);
