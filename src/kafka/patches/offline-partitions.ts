import { AsyncLocalStorage } from 'node:async_hooks';
import kafkajs from 'kafkajs';
import BrokerPool from 'kafkajs/src/cluster/brokerPool.js';
import Cluster from 'kafkajs/src/cluster/index.js';
import OffsetManager from 'kafkajs/src/consumer/offsetManager/index.js';
import metadataRequest, {
  type TopicMetadata,
} from 'kafkajs/src/protocol/requests/metadata/index.js';

/** Values of Kafka's protocol. */
const NO_LEADER = -1;
const NO_ERROR = 0;
const LEADER_NOT_AVAILABLE = 5;
/** Concerns a replica other than the leader. Kafka's protocol documentation says that it can be ignored. */
const REPLICA_NOT_AVAILABLE = 9;
/** The leader has no listener through which this client could reach it. */
const LISTENER_NOT_FOUND = 72;

/** How soon the metadata is refreshed while a partition has no leader. */
const RECHECK_MS = 2000;

/** Set while offsets are requested only of partitions that are online. */
const onlyOnline = new AsyncLocalStorage<true>();

let isPatched = false;

/**
 * Lets every kafkajs client of this process work with the partitions that have a leader while others have
 * none, for example because the only broker with their replicas is down.
 *
 * kafkajs 2.2.4 treats one such partition as a failure of the whole metadata request, and so of every topic
 * in it (kafkajs#1520, kafkajs#1769): consumers stop, producers send nothing and the admin client lists no
 * topics.
 *
 * With the patch a partition without a leader stays in the metadata with the leader -1. Consumers do not
 * fetch it until it has a leader, which they check every two seconds. Sending to it fails, and so does a
 * request for the offsets of all partitions unless it is made through `ofOnlinePartitions`.
 */
export function tolerateOfflinePartitions(): void {
  if (isPatched) return;
  isPatched = true;

  const { protocol } = metadataRequest;
  metadataRequest.protocol = (version) => {
    const create = protocol(version);
    return (options) => {
      const { request, response } = create(options);
      return {
        request,
        response: {
          ...response,
          parse: (data) =>
            response.parse({ ...data, topicMetadata: data.topicMetadata.map(withoutLeaderErrors) }),
        },
      };
    };
  };

  const { refreshMetadata } = BrokerPool.prototype;
  BrokerPool.prototype.refreshMetadata = async function (topics) {
    await refreshMetadata.call(this, topics);
    const isOffline = this.metadata?.topicMetadata.some(({ partitionMetadata }) =>
      partitionMetadata.some(({ leader }) => leader === NO_LEADER),
    );
    if (!isOffline) return;
    this.metadataExpireAt = Math.min(this.metadataExpireAt ?? 0, Date.now() + RECHECK_MS);
  };

  const { fetchTopicsOffset } = Cluster.prototype;
  Cluster.prototype.fetchTopicsOffset = async function (topics) {
    if (onlyOnline.getStore()) return fetchOnline(this, topics, fetchTopicsOffset);
    for (const { topic, partitions } of topics) {
      const asked = new Set(partitions.map(({ partition }) => partition));
      const offline = partitionsWithoutLeader(this, topic).filter((one) => asked.has(one));
      if (offline.length > 0) throw noLeader(topic, offline);
    }
    return fetchTopicsOffset.call(this, topics);
  };

  // Before each fetch, a consumer requests the beginning of the log of all partitions for which nothing is
  // committed, in one request.
  const { resolveOffsets } = OffsetManager.prototype;
  OffsetManager.prototype.resolveOffsets = function () {
    return onlyOnline.run(true, () => resolveOffsets.call(this));
  };
}

/**
 * While `question` runs, requests for the offsets of a topic's partitions are answered for those that have
 * a leader that can be reached. They fail when there is none.
 */
export const ofOnlinePartitions = <Result>(question: () => Promise<Result>): Promise<Result> =>
  onlyOnline.run(true, question);

/** The partitions that have no leader, as far as the client knows. */
export function partitionsWithoutLeader(
  cluster: {
    findTopicPartitionMetadata(
      topic: string,
    ): readonly { readonly partitionId: number; readonly leader: number }[];
  },
  topic: string,
): readonly number[] {
  try {
    return cluster
      .findTopicPartitionMetadata(topic)
      .filter(({ leader }) => leader === NO_LEADER)
      .map(({ partitionId }) => partitionId)
      .sort((a, b) => a - b);
  } catch {
    // The client has no metadata of the topic.
    return [];
  }
}

/** Replaces the error codes of partitions by the leader -1, which kafkajs can handle. */
function withoutLeaderErrors<Topic extends TopicMetadata>(topic: Topic): Topic {
  const partitionMetadata = topic.partitionMetadata.map((partition) => {
    switch (partition.partitionErrorCode) {
      case LEADER_NOT_AVAILABLE:
      case LISTENER_NOT_FOUND:
        return { ...partition, partitionErrorCode: NO_ERROR, leader: NO_LEADER };
      case REPLICA_NOT_AVAILABLE:
        return { ...partition, partitionErrorCode: NO_ERROR };
      default:
        return partition;
    }
  });
  return { ...topic, partitionMetadata };
}

type FetchTopicsOffset = Cluster['fetchTopicsOffset'];

/** Sends one request per leader, so that an unreachable one does not fail the others. */
async function fetchOnline(
  cluster: Cluster,
  topics: Parameters<FetchTopicsOffset>[0],
  fetch: FetchTopicsOffset,
): ReturnType<FetchTopicsOffset> {
  return Promise.all(
    topics.map(async (asked) => {
      const { topic, partitions } = asked;
      const leaders = cluster.findLeaderForPartitions(
        topic,
        partitions.map(({ partition }) => partition),
      );
      const online = Object.entries(leaders).filter(([leader]) => Number(leader) !== NO_LEADER);
      const answers = await Promise.allSettled(
        online.map(([, led]) =>
          fetch.call(cluster, [
            { ...asked, partitions: partitions.filter(({ partition }) => led.includes(partition)) },
          ]),
        ),
      );
      const failure = answers.find((answer) => answer.status === 'rejected');
      if (failure && answers.every(({ status }) => status === 'rejected')) throw failure.reason;
      return {
        topic,
        partitions: answers.flatMap((answer) =>
          answer.status === 'fulfilled' ? answer.value.flatMap((found) => found.partitions) : [],
        ),
      };
    }),
  );
}

function noLeader(topic: string, partitions: readonly number[]): Error {
  const which =
    partitions.length === 1
      ? `partition ${String(partitions[0])} of "${topic}" has no leader`
      : `partitions ${partitions.join(', ')} of "${topic}" have no leader`;
  return new kafkajs.KafkaJSProtocolError(
    Object.assign(new Error(`${which}: no broker with a replica in sync is running`), {
      type: 'LEADER_NOT_AVAILABLE',
      code: LEADER_NOT_AVAILABLE,
      retriable: true,
    }),
  );
}
