declare module 'kafkajs-snappy' {
  const codec: () => {
    compress(encoder: { buffer: Buffer }): Promise<Buffer>;
    decompress(buffer: Buffer): Promise<Buffer>;
  };
  export default codec;
}

/** The part of kafkajs's inner life that `aborted-transactions.ts` mends. */
declare module 'kafkajs/src/broker/index.js' {
  import type { FetchedPartition } from './aborted-transactions.ts';

  export default class Broker {
    fetch: (
      this: Broker,
      request: unknown,
    ) => Promise<{ responses: readonly { partitions: readonly FetchedPartition[] }[] }>;
  }
}

/** The part of it that `idle-connections.ts` mends. */
declare module 'kafkajs/src/network/requestQueue/index.js' {
  interface Request {
    readonly entry: { readonly correlationId: number };
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
    });
    readonly pending: readonly unknown[];
    /** Of the next look for requests that wait; null or undefined when there will be none. */
    readonly throttleCheckTimeoutId?: NodeJS.Timeout | null;
    scheduleCheckPendingRequests: (this: RequestQueue) => void;
    push(request: Request): void;
    maybeThrottle(ms: number): void;
    fulfillRequest(response: { correlationId: number; size: number; payload: Buffer }): void;
  }
}

/** The parts of it that `record-headers.ts` patches. */
declare module 'kafkajs/src/protocol/decoder.js' {
  export default class Decoder {
    constructor(buffer: Buffer);
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
    writeVarInt(value: number): Encoder;
    writeBufferInternal(buffer: Buffer): void;
    writeVarIntBytes: (this: Encoder, value: string | Buffer | null) => Encoder;
    writeVarIntArray: (this: Encoder, encoders: readonly Encoder[]) => Encoder;
  }
}

/** Only tests call these. */
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
