import { AsyncLocalStorage } from 'node:async_hooks';
import kafkajs from 'kafkajs';
import BrokerPool from 'kafkajs/src/cluster/brokerPool.js';
import Cluster from 'kafkajs/src/cluster/index.js';
import OffsetManager from 'kafkajs/src/consumer/offsetManager/index.js';
import metadataRequest, {
  type TopicMetadata,
} from 'kafkajs/src/protocol/requests/metadata/index.js';

/** As Kafka's protocol has it. */
const NO_LEADER = -1;
const NO_ERROR = 0;
const LEADER_NOT_AVAILABLE = 5;
/** Of a replica other than the leader. Kafka's documentation says to ignore it. */
const REPLICA_NOT_AVAILABLE = 9;
/** The leader has no listener by which this client could reach it. */
const LISTENER_NOT_FOUND = 72;

/** How soon the metadata is looked at again while a partition has no leader. */
const RECHECK_MS = 2000;

/** Whether offsets are wanted of those partitions only that can be asked for them. */
const onlyOnline = new AsyncLocalStorage<true>();

let isPatched = false;

/**
 * Lets every kafkajs client of this process work with the partitions that have a leader while others
 * have none, as when the only broker with their replicas is down. kafkajs 2.2.4 takes such a partition
 * for a failure of the whole metadata request, and thereby of every topic in it (kafkajs#1520,
 * kafkajs#1769): its consumers stop, its producers send nothing and its admin client lists no topics.
 *
 * With the patch a partition without a leader stays in the metadata, with the leader -1. Consumers do
 * not fetch it until it has one, which they look for every two seconds. Sending to it fails, and so
 * does a question for the offsets of all partitions, unless it is asked through `ofOnlinePartitions`.
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

  // Where nothing is committed a consumer asks for the beginning of the log, of all such partitions
  // at once and before each fetch.
  const { resolveOffsets } = OffsetManager.prototype;
  OffsetManager.prototype.resolveOffsets = function () {
    return onlyOnline.run(true, () => resolveOffsets.call(this));
  };
}

/**
 * Whatever `question` asks for the offsets of a topic's partitions is answered for those that have a
 * leader that can be reached. Throws when there is none.
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
    // There is no metadata yet, or none any more.
    return [];
  }
}

/** Kafka's error codes of partitions become a leader -1, which kafkajs knows what to do with. */
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

/** One request for each leader, so that one that cannot be reached does not fail the others. */
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
