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
