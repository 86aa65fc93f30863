import kafkajs, {
  type ICustomPartitioner,
  type Message,
  type ProducerRecord,
  type RecordMetadata,
} from 'kafkajs';

/** By message, so that every attempt sends it to the same partition. */
const partitions = new WeakMap<Message, number>();

/** kafkajs's default partitioner, which here remembers the partition of each message. For `sendCompletely`. */
export const rememberingPartitioner: ICustomPartitioner = () => {
  const choose = kafkajs.Partitioners.DefaultPartitioner();
  return (choice) => {
    const partition = partitions.get(choice.message) ?? choose(choice);
    partitions.set(choice.message, partition);
    return partition;
  };
};

/**
 * Sends the messages of a record, and sends those again whose partition is missing in the answer. The
 * producer must use `rememberingPartitioner`, and all in-sync replicas must acknowledge.
 *
 * kafkajs 2.2.4 repeats a failed send only for the brokers that have not answered. If a partition's leader
 * moves to a broker that has answered for other partitions, the send succeeds without having sent the
 * messages of that partition. The same happens to a message without a key if the next attempt chooses another
 * partition for it, and to messages for a partition that kafkajs does not know yet. No upstream issue is
 * known.
 *
 * @param send `producer.send` or `transaction.send`
 */
export async function sendCompletely(
  send: (record: ProducerRecord) => Promise<RecordMetadata[]>,
  record: ProducerRecord,
): Promise<void> {
  let missing = record.messages;
  while (missing.length > 0) {
    const answers = await send({ ...record, messages: missing });
    const acknowledged = new Set<unknown>(answers.map(({ partition }) => partition));
    const rest = missing.filter((message) => !acknowledged.has(partitions.get(message)));
    if (rest.length === missing.length) {
      throw new Error('no broker has acknowledged the messages; their partitions may be new');
    }
    missing = rest;
  }
}
