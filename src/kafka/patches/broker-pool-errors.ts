import BrokerPool, { type BrokerQuestion } from 'kafkajs/src/cluster/brokerPool.js';
import { concernsOneBroker, errorTypeOf, isUnreachable } from '../kafkajs-errors.ts';

let isPatched = false;

/**
 * Makes every kafkajs client of this process report why no broker answered a request that any broker can
 * answer.
 *
 * kafkajs 2.2.4 drops the errors: a missing permission becomes "Failed to find group coordinator" (kafkajs#1654),
 * missing metadata becomes a TypeError. It also gives up when the first broker that it picks is unreachable,
 * although another one would answer.
 *
 * An error of a connection does not say either whether the cluster or only one of its brokers is unreachable.
 * With the patch, `isOneBrokerUnreachable` does.
 */
export function reportBrokerPoolErrors(): void {
  if (isPatched) return;
  isPatched = true;
  const { findBroker, withBroker } = BrokerPool.prototype;
  BrokerPool.prototype.findBroker = async function (node) {
    try {
      return await findBroker.call(this, node);
    } catch (error) {
      const others = Object.entries(this.brokers).filter(
        ([nodeId]) => nodeId !== String(node.nodeId),
      );
      // The bootstrap connection is not among `brokers` if the broker advertises another name. With a single
      // broker, it leads to that one.
      const isSeedConnected = others.length > 0 && this.seedBroker?.isConnected() === true;
      const isAnotherConnected =
        isSeedConnected || others.some(([, broker]) => broker.isConnected());
      if (error instanceof Error && isUnreachable(error) && isAnotherConnected) {
        concernsOneBroker(error);
      }
      throw error;
    }
  };
  BrokerPool.prototype.withBroker = async function <Result>(
    this: BrokerPool,
    callback: BrokerQuestion<Result>,
  ): Promise<Result | null> {
    const nodeIds = inRandomOrder(Object.keys(this.brokers));
    const original: (this: BrokerPool, callback: BrokerQuestion<Result>) => Promise<Result | null> =
      withBroker;
    // Throws the error that makes kafkajs read the metadata, which names the brokers.
    if (nodeIds.length === 0) return original.call(this, callback);
    const isConnected = (nodeId: string) => this.brokers[nodeId]?.isConnected() === true;
    try {
      return await firstAnswer(
        // Connected ones first: trying one that is down costs a connection timeout.
        [...nodeIds.filter(isConnected), ...nodeIds.filter((nodeId) => !isConnected(nodeId))],
        async (nodeId) => callback({ nodeId, broker: await this.findBroker({ nodeId }) }),
      );
    } catch (error) {
      // As kafkajs does: the brokers may have changed.
      this.metadataExpireAt = null;
      throw error;
    }
  };
}

/**
 * Asks one broker after the other until one answers. If none does, an error that a broker answered with is
 * thrown rather than one that says that another broker is unreachable.
 */
async function firstAnswer<Result>(
  nodeIds: readonly string[],
  ask: (nodeId: string) => Promise<Result>,
): Promise<Result> {
  let failure: unknown;
  for (const nodeId of nodeIds) {
    try {
      return await ask(nodeId);
    } catch (error) {
      if (failure === undefined || isWithoutAnswer(failure)) failure = error;
      // Every broker would give this answer, each after half a minute of kafkajs's own attempts.
      if (errorTypeOf(error) === 'GROUP_COORDINATOR_NOT_AVAILABLE') break;
    }
  }
  throw failure;
}

const isWithoutAnswer = (error: unknown): boolean =>
  isUnreachable(error) || (error instanceof Error && error.name === 'KafkaJSBrokerNotFound');

const inRandomOrder = (nodeIds: readonly string[]): readonly string[] =>
  nodeIds
    .map((nodeId) => ({ nodeId, at: Math.random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ nodeId }) => nodeId);
