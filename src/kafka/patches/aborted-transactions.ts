import Broker, { type FetchedPartition } from 'kafkajs/src/broker/index.js';

let isPatched = false;

/**
 * Hides the messages of aborted transactions from every kafkajs consumer of this process.
 *
 * kafkajs 2.2.4 has a filter for them with two bugs (no upstream issue is known): it takes any message whose
 * key is four zero bytes for the end of its transaction (Kafka's IntegerSerializer writes the key 0 that
 * way), and it passes on messages when a fetch begins within more than one aborted transaction.
 */
export function filterAbortedTransactions(): void {
  if (isPatched) return;
  isPatched = true;
  // All responses reach the consumers through this function.
  const { fetch } = Broker.prototype;
  Broker.prototype.fetch = async function (request) {
    const response = await fetch.call(this, request);
    for (const { partitions } of response.responses) partitions.forEach(filterAborted);
    return response;
  };
}

/**
 * Marks aborted messages as control records, by the rules of Kafka's own consumer: a producer's messages
 * are hidden from the first offset of an aborted transaction up to the marker at its end.
 */
export function filterAborted(partition: FetchedPartition): void {
  const upcoming = (partition.abortedTransactions ?? [])
    .map(({ producerId, firstOffset }) => ({ producerId, firstOffset: BigInt(firstOffset) }))
    .sort((a, b) => (a.firstOffset < b.firstOffset ? -1 : 1));
  if (upcoming.length === 0) return;
  const aborting = new Set<string>();
  for (const message of partition.messages) {
    while (upcoming[0] && upcoming[0].firstOffset <= BigInt(message.offset)) {
      aborting.add(upcoming.shift()?.producerId ?? '');
    }
    const { producerId = '', inTransaction = false } = message.batchContext ?? {};
    if (message.isControlRecord) {
      aborting.delete(producerId);
    } else if (inTransaction && aborting.has(producerId)) {
      message.isControlRecord = true;
    }
  }
  partition.abortedTransactions = [];
}
