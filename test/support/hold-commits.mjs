import { createRequire } from 'node:module';

/**
 * Preloaded into a command (`NODE_OPTIONS=--import …`): its Kafka transactions are not committed before
 * it gets a SIGUSR2, so that a test can look at it, or kill it, while one of them is open. It says so on
 * stderr.
 */
const Broker = createRequire(import.meta.url)('kafkajs/src/broker/index.js');
const { endTxn } = Broker.prototype;
const resumed = new Promise((resolve) => process.once('SIGUSR2', resolve));
Broker.prototype.endTxn = async function (request) {
  if (request.transactionResult) {
    console.error('a commit is held');
    await resumed;
  }
  return endTxn.call(this, request);
};
