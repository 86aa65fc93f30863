import { Kafka, logLevel, PartitionAssigners, type Cluster } from 'kafkajs';
import { createConsumerWithCluster } from '../../../../src/kafka/patches/consumer-cluster.ts';

const kafka = new Kafka({ brokers: ['unused'], logLevel: logLevel.NOTHING });

// Once a consumer exposes its cluster, the patch is not needed any more.
test('kafkajs by itself does not expose the cluster of a consumer', () => {
  expect(kafka.consumer({ groupId: 'group' })).not.toHaveProperty('cluster');
});

test('the cluster is the one that the consumer gives its partition assigners', () => {
  const passedOn: Cluster[] = [];
  const { cluster } = createConsumerWithCluster(kafka, {
    groupId: 'group',
    partitionAssigners: [
      (options) => {
        passedOn.push(options.cluster);
        return PartitionAssigners.roundRobin(options);
      },
    ],
  });
  expect(passedOn).toEqual([cluster]);
});
