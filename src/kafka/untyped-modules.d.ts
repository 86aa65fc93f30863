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
