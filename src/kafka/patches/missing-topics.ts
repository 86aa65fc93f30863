import { AsyncLocalStorage } from 'node:async_hooks';
import BrokerPool from 'kafkajs/src/cluster/brokerPool.js';
import metadataRequest, {
  type TopicMetadata,
} from 'kafkajs/src/protocol/requests/metadata/index.js';

/** Values of Kafka's protocol. */
const NO_ERROR = 0;
const UNKNOWN_TOPIC_OR_PARTITION = 3;

/** How soon the metadata is refreshed while a topic is missing. */
const RECHECK_MS = 2000;

/** The connections of the clients that read the topics that exist. */
const tolerant = new WeakSet<object>();
/** Set while metadata is requested for one of them. */
const isTolerated = new AsyncLocalStorage<true>();

let isPatched = false;

/** The part of kafkajs's cluster object that this needs; its own types do not have it. */
interface ClusterMetadata {
  findTopicPartitionMetadata(topic: string): readonly object[];
}

/**
 * Lets the consumer with this cluster read the topics that exist while others of its topics do not: one may
 * have been deleted, or has not been created yet.
 *
 * kafkajs 2.2.4 treats one missing topic as a failure of the whole metadata request, and so of every topic in
 * it: the consumer stops (no upstream issue is known).
 *
 * With the patch a missing topic has no partitions. As soon as it exists, the consumer joins its group again,
 * and so its partitions are assigned; it checks that every two seconds. When all topics are missing, the request
 * fails as before.
 */
export function tolerateMissingTopics(cluster: object): void {
  patchMetadata();
  if (!hasBrokerPool(cluster)) throw new Error('kafkajs has no broker pool');
  tolerant.add(cluster.brokerPool);
}

/** The topics that have no partitions, as far as the client knows. None before it has asked. */
export function missingTopics(
  cluster: ClusterMetadata,
  topics: readonly string[],
): readonly string[] {
  try {
    return topics.filter((topic) => cluster.findTopicPartitionMetadata(topic).length === 0);
  } catch {
    // The client has no metadata.
    return [];
  }
}

const hasBrokerPool = (cluster: object): cluster is { readonly brokerPool: object } =>
  'brokerPool' in cluster && typeof cluster.brokerPool === 'object' && cluster.brokerPool !== null;

function patchMetadata(): void {
  if (isPatched) return;
  isPatched = true;

  const { protocol } = metadataRequest;
  metadataRequest.protocol = (version) => {
    const create = protocol(version);
    return (options) => {
      const { request, response } = create(options);
      if (!isTolerated.getStore()) return { request, response };
      return {
        request,
        response: {
          ...response,
          parse: (data) =>
            response.parse({ ...data, topicMetadata: withoutMissing(data.topicMetadata) }),
        },
      };
    };
  };

  const { refreshMetadata } = BrokerPool.prototype;
  BrokerPool.prototype.refreshMetadata = async function (topics) {
    if (!tolerant.has(this)) return refreshMetadata.call(this, topics);
    await isTolerated.run(true, () => refreshMetadata.call(this, topics));
    const isOneMissing = this.metadata?.topicMetadata.some(
      ({ partitionMetadata }) => partitionMetadata.length === 0,
    );
    if (!isOneMissing) return;
    this.metadataExpireAt = Math.min(this.metadataExpireAt ?? 0, Date.now() + RECHECK_MS);
  };
}

/** Replaces the error of a missing topic by a topic without partitions, unless all topics are missing. */
function withoutMissing(topics: readonly TopicMetadata[]): readonly TopicMetadata[] {
  const isMissing = ({ topicErrorCode }: TopicMetadata) =>
    topicErrorCode === UNKNOWN_TOPIC_OR_PARTITION;
  if (topics.every(isMissing)) return topics;
  return topics.map((topic) =>
    isMissing(topic) ? { ...topic, topicErrorCode: NO_ERROR, partitionMetadata: [] } : topic,
  );
}
