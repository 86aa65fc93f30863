import { createRequire } from 'node:module';

/**
 * Preloaded into a command by `NODE_OPTIONS=--import …`: it holds the commits of Kafka transactions until it
 * receives a SIGUSR2, so that a test can observe or kill it in an open transaction. It reports a held commit
 * on stderr.
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
