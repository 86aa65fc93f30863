import kafkajs from 'kafkajs';

/**
 * An error that has kafkajs join the consumer group again when the handler of a batch throws it. It looks
 * like the broker's answer that the group is rebalancing.
 *
 * kafkajs 2.2.4 has no call for that (kafkajs#751 asks how to react to a rebalance). `consumer.stop()` and
 * `run()` would join again, too, but when kafkajs restarts a crashed consumer at the same time, this process
 * ends up with two members of the group, and the one that nobody listens to holds its partitions forever
 * (kafkajs#1122).
 */
export const rejoinError = (): Error =>
  new kafkajs.KafkaJSProtocolError(
    Object.assign(new Error('this member has to join the group again'), {
      type: 'REBALANCE_IN_PROGRESS',
      code: 27,
    }),
  );
