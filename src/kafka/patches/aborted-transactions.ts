import Broker from 'kafkajs/src/broker/index.js';

/** What the filter has to know of a message as kafkajs decodes it. */
export interface FetchedMessage {
  readonly offset: string;
  readonly key: Buffer | null;
  /** Not handed to applications, but counted as read. */
  isControlRecord?: boolean;
  /** Missing in message formats older than transactions. */
  readonly batchContext?: { readonly producerId: string; readonly inTransaction: boolean };
}

export interface FetchedPartition {
  readonly messages: readonly FetchedMessage[];
  /** Those that end in `messages` or later and begin there or before, in no order to rely on. */
  abortedTransactions?: readonly { readonly producerId: string; readonly firstOffset: string }[];
}

let isMended = false;

/**
 * Keeps the messages of aborted transactions from every kafkajs consumer of this process. kafkajs
 * 2.2.4 does so itself, but takes any message whose key is four zero bytes for the end of its
 * transaction (an IntegerSerializer writes the key 0 so), and lets messages through when a fetch
 * begins within more than one aborted transaction.
 */
export function hideAbortedTransactions(): void {
  if (isMended) return;
  isMended = true;
  // The one way by which responses reach its consumers.
  const { fetch } = Broker.prototype;
  Broker.prototype.fetch = async function (request) {
    const response = await fetch.call(this, request);
    for (const { partitions } of response.responses) partitions.forEach(hideAborted);
    return response;
  };
}

/**
 * Marks what has been aborted as control records, by the rules of Kafka's own consumer: a producer's
 * messages are hidden from the first offset of an aborted transaction to the marker at its end.
 */
export function hideAborted(partition: FetchedPartition): void {
  const toCome = (partition.abortedTransactions ?? [])
    .map(({ producerId, firstOffset }) => ({ producerId, firstOffset: BigInt(firstOffset) }))
    .sort((a, b) => (a.firstOffset < b.firstOffset ? -1 : 1));
  if (toCome.length === 0) return;
  const aborting = new Set<string>();
  for (const message of partition.messages) {
    while (toCome[0] && toCome[0].firstOffset <= BigInt(message.offset)) {
      aborting.add(toCome.shift()?.producerId ?? '');
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
