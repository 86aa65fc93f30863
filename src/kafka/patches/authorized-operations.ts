import kafkajs, { type Kafka } from 'kafkajs';
import type Broker from 'kafkajs/src/broker/index.js';
import Cluster from 'kafkajs/src/cluster/index.js';
import Decoder from 'kafkajs/src/protocol/decoder.js';
import Encoder from 'kafkajs/src/protocol/encoder.js';
import { errorTypeOf } from '../kafkajs-errors.ts';
import { createConsumerWithCluster } from './consumer-cluster.ts';

/*
 * kafkajs 2.2.4 sends older versions of two requests, in which the broker does not say what the user may do.
 * (No upstream issue is known.) Any user may ask; listing ACLs is a right of its own.
 */

/** A bit for each operation, by Kafka's number of the operation. */
export type OperationBits = number;

/** What the user may do, or why it is not known. */
export type Authorized = OperationBits | 'denied' | 'unknown';

export interface AuthorizedOperations {
  readonly topics: ReadonlyMap<string, Authorized>;
  readonly groups: ReadonlyMap<string, Authorized>;
  readonly transactionalIds: ReadonlyMap<string, Authorized>;
}

/** The broker does not say: it is older, or the request failed. */
const NOT_GIVEN = -(2 ** 31);

const METADATA = { apiKey: 3, apiVersion: 8, apiName: 'Metadata' };
const DESCRIBE_GROUPS = { apiKey: 15, apiVersion: 3, apiName: 'DescribeGroups' };

const NO_ERROR = 0;
const DENIED: readonly number[] = [29, 30];
const TRANSACTION_COORDINATOR = 1;

/**
 * Asks what the user may do with topics and groups, and whether it may use transactional IDs at all. A topic
 * that does not exist is `unknown`. Throws when no broker can be reached.
 */
export async function fetchAuthorizedOperations(
  kafka: Kafka,
  asked: {
    readonly topics: readonly string[];
    readonly groups: readonly string[];
    readonly transactionalIds: readonly string[];
  },
): Promise<AuthorizedOperations> {
  // The consumer never joins its group.
  const { cluster } = createConsumerWithCluster(kafka, {
    groupId: 'unused',
    partitionAssigners: [kafkajs.PartitionAssigners.roundRobin],
    retry: { retries: 2 },
  });
  if (!(cluster instanceof Cluster)) throw new Error('kafkajs has another kind of cluster');
  try {
    await cluster.connect();
    await cluster.refreshMetadata();
    const broker = await cluster.brokerPool.findConnectedBroker();
    const topics = await topicOperations(broker, asked.topics);
    const groups = new Map<string, Authorized>();
    for (const groupId of asked.groups) {
      const found = await coordinatorOf(cluster, groupId);
      groups.set(
        groupId,
        typeof found === 'string' ? found : await groupOperations(found, groupId),
      );
    }
    const transactionalIds = new Map<string, Authorized>();
    for (const id of asked.transactionalIds) {
      const found = await coordinatorOf(cluster, id, TRANSACTION_COORDINATOR);
      transactionalIds.set(id, typeof found === 'string' ? found : 'unknown');
    }
    return { topics, groups, transactionalIds };
  } finally {
    await cluster.disconnect();
  }
}

async function coordinatorOf(
  cluster: Cluster,
  groupId: string,
  coordinatorType?: number,
): Promise<Broker | 'denied' | 'unknown'> {
  try {
    return await cluster.findGroupCoordinator({
      groupId,
      ...(coordinatorType === undefined ? {} : { coordinatorType }),
    });
  } catch (error) {
    return errorTypeOf(error)?.endsWith('AUTHORIZATION_FAILED') ? 'denied' : 'unknown';
  }
}

const isSupported = ({ versions }: Broker, { apiKey, apiVersion }: typeof METADATA): boolean =>
  (versions?.[apiKey]?.maxVersion ?? 0) >= apiVersion;

async function topicOperations(
  broker: Broker,
  topics: readonly string[],
): Promise<ReadonlyMap<string, Authorized>> {
  if (topics.length === 0 || !isSupported(broker, METADATA)) {
    return new Map(topics.map((topic) => [topic, 'unknown']));
  }
  return broker.connectionPool.send({
    request: {
      ...METADATA,
      encode: () =>
        Promise.resolve(
          new Encoder()
            .writeArray([...topics])
            // Without creating topics, without the operations on the cluster, with those on topics.
            .writeBoolean(false)
            .writeBoolean(false)
            .writeBoolean(true),
        ),
    },
    response: { decode: (data) => Promise.resolve(decodeMetadata(data)), parse: parsed },
  });
}

function decodeMetadata(data: Buffer): ReadonlyMap<string, Authorized> {
  const decoder = new Decoder(data);
  decoder.readInt32(); // throttle time
  decoder.readArray(() => {
    decoder.readInt32(); // node ID
    decoder.readString(); // host
    decoder.readInt32(); // port
    decoder.readString(); // rack
  });
  decoder.readString(); // cluster ID
  decoder.readInt32(); // controller ID
  const topics = decoder.readArray(() => {
    const errorCode = decoder.readInt16();
    const name = decoder.readString();
    decoder.readBoolean(); // internal
    decoder.readArray(() => {
      decoder.readInt16(); // error code
      decoder.readInt32(); // partition
      decoder.readInt32(); // leader
      decoder.readInt32(); // leader epoch
      for (let list = 0; list < 3; list += 1) decoder.readArray(() => decoder.readInt32());
    });
    return [name ?? '', authorized(errorCode, decoder.readInt32())] as const;
  });
  return new Map(topics);
}

async function groupOperations(broker: Broker, groupId: string): Promise<Authorized> {
  if (!isSupported(broker, DESCRIBE_GROUPS)) return 'unknown';
  return broker.connectionPool.send({
    request: {
      ...DESCRIBE_GROUPS,
      encode: () => Promise.resolve(new Encoder().writeArray([groupId]).writeBoolean(true)),
    },
    response: { decode: (data) => Promise.resolve(decodeGroup(data)), parse: parsed },
  });
}

function decodeGroup(data: Buffer): Authorized {
  const decoder = new Decoder(data);
  decoder.readInt32(); // throttle time
  const [operations = 'unknown'] = decoder.readArray(() => {
    const errorCode = decoder.readInt16();
    for (let field = 0; field < 4; field += 1) decoder.readString(); // ID, state, protocol type, protocol
    decoder.readArray(() => {
      for (let field = 0; field < 3; field += 1) decoder.readString(); // member ID, client ID, host
      decoder.readBytes(); // metadata
      decoder.readBytes(); // assignment
    });
    return authorized(errorCode, decoder.readInt32());
  });
  return operations;
}

function authorized(errorCode: number, operations: number): Authorized {
  if (DENIED.includes(errorCode)) return 'denied';
  return errorCode === NO_ERROR && operations !== NOT_GIVEN ? operations : 'unknown';
}

const parsed = <Result>(data: Result): Promise<Result> => Promise.resolve(data);
