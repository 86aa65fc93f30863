import { Kafka, logLevel } from 'kafkajs';
import errors from 'kafkajs/src/errors.js';
import { rejoinError } from '../../../../src/kafka/patches/rejoin-error.ts';

// Once kafkajs has a method to join the group again, the patch is not needed any more.
test('kafkajs by itself has no method to join the group again', () => {
  const kafka = new Kafka({ brokers: ['unused'], logLevel: logLevel.NOTHING });
  expect(Object.keys(kafka.consumer({ groupId: 'group' })).sort()).toEqual([
    ...['commitOffsets', 'connect', 'describeGroup', 'disconnect', 'events', 'logger', 'on'],
    ...['pause', 'paused', 'resume', 'run', 'seek', 'stop', 'subscribe'],
  ]);
});

test('kafkajs takes the error for the answer that the group is rebalancing', () => {
  expect(errors.isRebalancing(rejoinError())).toBe(true);
});
