/*
 * Types of kafkajs's internals, version 2.2.4: as much of them as the patches in this folder and their tests use.
 * kafkajs's own types do not cover them.
 */

/** Used by `aborted-transactions.ts`, `consumer-group.ts` and `authorized-operations.ts`. */
declare module 'kafkajs/src/broker/index.js' {
  import type Encoder from 'kafkajs/src/protocol/encoder.js';

  /** The part of a message, as kafkajs decodes it, that the filter needs. */
  export interface FetchedMessage {
    readonly offset: string;
    readonly key: Buffer | null;
    /** Counted as read, but not passed to the application. */
    isControlRecord?: boolean;
    /** Missing in message formats that are older than transactions. */
    readonly batchContext?: { readonly producerId: string; readonly inTransaction: boolean };
  }

  export interface FetchedPartition {
    readonly messages: readonly FetchedMessage[];
    /** Transactions that begin before the end of `messages` and end in or after it, in no particular order. */
    abortedTransactions?: readonly { readonly producerId: string; readonly firstOffset: string }[];
  }

  export default class Broker {
    /** By request: the versions that the broker supports. */
    readonly versions: Readonly<Record<number, { readonly maxVersion: number }>> | null;
    readonly connectionPool: {
      send<Result>(protocol: {
        readonly request: {
          readonly apiKey: number;
          readonly apiVersion: number;
          readonly apiName: string;
          readonly encode: () => Promise<Encoder>;
        };
        readonly response: {
          readonly decode: (data: Buffer) => Promise<Result>;
          readonly parse: (data: Result) => Promise<Result>;
        };
      }): Promise<Result>;
    };
    fetch: (
      this: Broker,
      request: unknown,
    ) => Promise<{ responses: readonly { partitions: readonly FetchedPartition[] }[] }>;
  }
}

/** Used by `reauthentication.ts`. */
declare module 'kafkajs/src/network/connection.js' {
  import type RequestQueue from 'kafkajs/src/network/requestQueue/index.js';

  export default class Connection {
    constructor(options: {
      readonly host: string;
      readonly port: number;
      readonly logger: object;
      readonly sasl: object;
    });
    readonly requestQueue: RequestQueue;
    /** From `process.hrtime`. */
    authenticatedAt: [number, number] | null;
    /** In milliseconds; 0 means without a limit. */
    sessionLifetime: { toString(): string };
    isAuthenticated: (this: Connection) => boolean;
  }
}

declare module 'kafkajs/src/broker/saslAuthenticator/index.js' {
  import type RequestQueue from 'kafkajs/src/network/requestQueue/index.js';

  export default class SASLAuthenticator {
    constructor(
      connection: object,
      logger: object,
      versions: object,
      supportAuthenticationProtocol: boolean,
    );
    readonly connection: { readonly requestQueue: RequestQueue };
    authenticate: (this: SASLAuthenticator) => Promise<void>;
  }
}

/** Used by `idle-connections.ts` and `reauthentication.ts`. */
declare module 'kafkajs/src/network/requestQueue/index.js' {
  export interface Request {
    readonly entry: {
      readonly correlationId: number;
      readonly apiKey: number;
      reject(error: unknown): void;
    };
    readonly expectResponse: boolean;
    sendRequest(): void;
  }

  export default class RequestQueue {
    constructor(options: {
      readonly maxInFlightRequests: number | null;
      readonly requestTimeout: number;
      readonly enforceRequestTimeout: boolean;
      readonly clientId: string;
      readonly broker: string;
      readonly logger: { debug(): void; warn(): void };
      readonly isConnected?: () => boolean;
    });
    readonly enforceRequestTimeout: boolean;
    readonly requestTimeout: number;
    /** By correlation ID. */
    readonly inflight: ReadonlyMap<
      number,
      {
        /** Milliseconds since 1970. */
        readonly sentAt: number;
        readonly requestTimeout: number;
        timeoutRequest(): void;
      }
    >;
    readonly pending: readonly unknown[];
    /** The timer of the check for requests that are not answered in time. */
    requestTimeoutIntervalId?: NodeJS.Timeout | null;
    readonly isConnected: () => boolean;
    scheduleRequestTimeoutCheck: (this: RequestQueue) => void;
    /** Ends both timers. */
    destroy(): void;
    /** The timer of the next poll for queued requests; null or undefined when there will be none. */
    readonly throttleCheckTimeoutId?: NodeJS.Timeout | null;
    scheduleCheckPendingRequests: (this: RequestQueue) => void;
    push: (this: RequestQueue, request: Request) => void;
    maybeThrottle(ms: number): void;
    fulfillRequest(response: { correlationId: number; size: number; payload: Buffer }): void;
  }
}

/** Used by `record-headers.ts`. */
declare module 'kafkajs/src/protocol/decoder.js' {
  export default class Decoder {
    constructor(buffer: Buffer);
    readInt16(): number;
    readInt32(): number;
    readBoolean(): boolean;
    readString(): string | null;
    readBytes(): Buffer | null;
    readArray<Item>(reader: () => Item): readonly Item[];
    readVarInt(): number;
    readVarIntBytes(): Buffer | null;
    readVarIntArray: (
      this: Decoder,
      reader: unknown,
    ) => { reduce: (...args: unknown[]) => unknown };
  }
}

declare module 'kafkajs/src/protocol/encoder.js' {
  export default class Encoder {
    readonly buffer: Buffer;
    writeBoolean(value: boolean): Encoder;
    writeArray(strings: readonly string[]): Encoder;
    writeVarInt(value: number): Encoder;
    writeBufferInternal(buffer: Buffer): void;
    writeVarIntBytes: (this: Encoder, value: string | Buffer | null) => Encoder;
    writeVarIntArray: (this: Encoder, encoders: readonly Encoder[]) => Encoder;
  }
}

/** Used by `offline-partitions.ts`, `missing-topics.ts`, `consumer-group.ts` and `broker-pool-errors.ts`. */
declare module 'kafkajs/src/protocol/requests/metadata/index.js' {
  export interface TopicMetadata {
    readonly topicErrorCode: number;
    readonly topic: string;
    readonly partitionMetadata: readonly {
      readonly partitionId: number;
      readonly partitionErrorCode: number;
      readonly leader: number;
    }[];
  }

  interface MetadataResponse {
    readonly topicMetadata: readonly TopicMetadata[];
  }

  const definition: {
    protocol: (version: { readonly version: number }) => (options: {
      readonly topics: readonly string[];
      readonly allowAutoTopicCreation?: boolean;
    }) => {
      readonly request: object;
      readonly response: {
        readonly decode: (data: Buffer) => Promise<MetadataResponse>;
        readonly parse: (data: MetadataResponse) => Promise<MetadataResponse>;
      };
    };
  };
  export default definition;
}

declare module 'kafkajs/src/cluster/brokerPool.js' {
  import type ConnectedBroker from 'kafkajs/src/broker/index.js';
  import type { TopicMetadata } from 'kafkajs/src/protocol/requests/metadata/index.js';

  interface Broker {
    isConnected(): boolean;
  }

  export type BrokerQuestion<Result> = (found: {
    readonly nodeId: string;
    readonly broker: Broker;
  }) => Promise<Result>;

  export default class BrokerPool {
    readonly brokers: Readonly<Record<string, Broker>>;
    /** The connection to a bootstrap broker. */
    readonly seedBroker: Broker | undefined;
    findConnectedBroker(): Promise<ConnectedBroker>;
    /** kafkajs passes the ID of a coordinator as a number. */
    findBroker: (this: BrokerPool, node: { readonly nodeId: string | number }) => Promise<Broker>;
    withBroker: <Result>(
      this: BrokerPool,
      callback: BrokerQuestion<Result>,
    ) => Promise<Result | null>;
    readonly metadata: {
      readonly brokers: readonly { readonly nodeId: number }[];
      readonly topicMetadata: readonly TopicMetadata[];
    } | null;
    metadataExpireAt: number | null;
    refreshMetadata: (this: BrokerPool, topics: readonly string[]) => Promise<void>;
  }
}

declare module 'kafkajs/src/cluster/index.js' {
  import type Broker from 'kafkajs/src/broker/index.js';
  import type BrokerPool from 'kafkajs/src/cluster/brokerPool.js';

  export default class Cluster {
    readonly brokerPool: BrokerPool;
    refreshMetadata(): Promise<void>;
    findGroupCoordinator(group: {
      readonly groupId: string;
      readonly coordinatorType?: number;
    }): Promise<Broker>;
    findTopicPartitionMetadata(
      topic: string,
    ): readonly { readonly partitionId: number; readonly leader: number }[];
    findLeaderForPartitions(
      topic: string,
      partitions: readonly number[],
    ): Readonly<Record<string, readonly number[]>>;
    fetchTopicsOffset: (
      this: Cluster,
      topics: readonly {
        readonly topic: string;
        readonly partitions: readonly { readonly partition: number }[];
        readonly fromBeginning?: boolean;
        readonly fromTimestamp?: number;
      }[],
    ) => Promise<
      readonly {
        readonly topic: string;
        readonly partitions: readonly { readonly partition: number; readonly offset: string }[];
      }[]
    >;
  }
}

declare module 'kafkajs/src/consumer/offsetManager/index.js' {
  import type { EachBatchPayload } from 'kafkajs';

  /** A connection to the group's coordinator. */
  export interface Coordinator {
    isConnected(): boolean;
    offsetCommit(request: object): Promise<void>;
  }

  /** Of one generation of the group. */
  export default class OffsetManager {
    constructor(options: {
      readonly cluster: object;
      readonly coordinator: Coordinator;
      readonly memberAssignment: Readonly<Record<string, readonly number[]>>;
      readonly groupId: string;
      readonly generationId: number;
      readonly memberId: string;
      readonly instrumentationEmitter: { emit(): void };
    });
    coordinator: Coordinator;
    resolveOffsets: (this: OffsetManager) => Promise<void>;
    commitOffsets: EachBatchPayload['commitOffsetsIfNecessary'];
  }
}

declare module 'kafkajs/src/consumer/consumerGroup.js' {
  import type Cluster from 'kafkajs/src/cluster/index.js';
  import type OffsetManager from 'kafkajs/src/consumer/offsetManager/index.js';
  import type { Coordinator } from 'kafkajs/src/consumer/offsetManager/index.js';

  export default class ConsumerGroup {
    readonly cluster: Cluster;
    /** Where joins and heartbeats go. */
    readonly coordinator: Coordinator | null;
    readonly offsetManager: OffsetManager | null;
    fetch: (this: ConsumerGroup, nodeId: string) => Promise<readonly FetchedBatch[]>;
    recoverFromFetch: (this: ConsumerGroup, error: Error) => Promise<void>;
    heartbeat: (this: ConsumerGroup, options: { readonly interval: number }) => Promise<void>;
    joinAndSync: (this: ConsumerGroup) => Promise<void>;
  }

  interface FetchedBatch {
    readonly topic: string;
    readonly partition: number;
    readonly fetchedOffset: string;
    isEmptyDueToFiltering(): boolean;
    lastOffset(): string;
  }
}

/** Used by tests only. */
declare module 'kafkajs/src/utils/long.js' {
  const Long: { readonly fromValue: (value: string) => { toString(): string } };
  export default Long;
}

declare module 'kafkajs/src/protocol/recordBatch/record/v0/index.js' {
  import type Encoder from 'kafkajs/src/protocol/encoder.js';
  import type { IHeaders } from 'kafkajs';

  const encodeRecord: (record: {
    readonly key: Buffer | null;
    readonly value: Buffer | null;
    readonly headers: IHeaders;
  }) => Encoder;
  export default encodeRecord;
}

declare module 'kafkajs/src/protocol/recordBatch/record/v0/decoder.js' {
  import type Decoder from 'kafkajs/src/protocol/decoder.js';

  const decodeRecord: (
    decoder: Decoder,
    batch: { readonly firstOffset: string; readonly firstTimestamp: string },
  ) => {
    readonly value: Buffer | null;
    readonly headers: Record<string, Buffer | null | (Buffer | null)[]>;
  };
  export default decodeRecord;
}

declare module 'kafkajs/src/consumer/filterAbortedMessages.js' {
  import type { FetchedMessage, FetchedPartition } from 'kafkajs/src/broker/index.js';

  const filterAbortedMessages: (partition: FetchedPartition) => readonly FetchedMessage[];
  export default filterAbortedMessages;
}

declare module 'kafkajs/src/consumer/batch.js' {
  import type { Batch } from 'kafkajs';

  interface BatchClass {
    new (
      topic: string,
      fetchedOffset: string,
      partitionData: {
        readonly partition: number;
        readonly highWatermark: string;
        readonly messages: readonly { readonly offset: string }[];
      },
    ): Batch;
  }

  const BatchOfFetch: BatchClass;
  export default BatchOfFetch;
}

declare module 'kafkajs/src/producer/sendMessages.js' {
  import type { ICustomPartitioner, Message, RecordMetadata } from 'kafkajs';

  export interface ProduceRequest {
    readonly topicData: readonly {
      readonly topic: string;
      readonly partitions: readonly {
        readonly partition: number;
        readonly messages: readonly Message[];
      }[];
    }[];
  }

  const createSendMessages: (options: {
    readonly logger: { debug(): void; error(): void };
    readonly cluster: {
      addMultipleTargetTopics(): Promise<void>;
      refreshMetadataIfNecessary(): Promise<void>;
      refreshMetadata(): Promise<void>;
      isConnected(): boolean;
      findTopicPartitionMetadata(
        topic: string,
      ): readonly { readonly partitionId: number; readonly leader: number }[];
      findLeaderForPartitions(
        topic: string,
        partitions: readonly string[],
      ): Readonly<Record<string, readonly number[]>>;
      findBroker(node: { readonly nodeId: string }): Promise<{
        readonly nodeId: string;
        produce(request: ProduceRequest): Promise<unknown>;
      }>;
    };
    readonly partitioner: ReturnType<ICustomPartitioner>;
    readonly eosManager: object;
    readonly retrier: <Result>(attempt: () => Promise<Result>) => Promise<Result>;
  }) => (options: {
    readonly acks: number;
    readonly topicMessages: readonly { readonly topic: string; readonly messages: Message[] }[];
  }) => Promise<RecordMetadata[]>;
  export default createSendMessages;
}

declare module 'kafkajs/src/errors.js' {
  const errors: { readonly isRebalancing: (error: Error) => boolean };
  export default errors;
}

/** Used by `codecs.ts`: a package without types. */
declare module 'kafkajs-snappy' {
  const codec: () => {
    compress(encoder: { buffer: Buffer }): Promise<Buffer>;
    decompress(buffer: Buffer): Promise<Buffer>;
  };
  export default codec;
}
