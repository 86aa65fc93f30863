import { setTimeout as delay } from 'node:timers/promises';
import kafkajs from 'kafkajs';

/** What the group had committed at a moment: nothing in the list was committed later than `at`. */
export interface CommitSample {
  readonly at: number;
  /** Of the partitions that the broker has answered for; -1 where it says that nothing is committed. */
  readonly offsets: ReadonlyMap<number, number>;
}

export interface CommitSampler {
  readonly samples: readonly CommitSample[];
  stop(): Promise<void>;
}

const INTERVAL_MS = 100;

/** Looks at the group's committed offsets several times a second, as far as the broker answers. */
export function sampleCommits(brokers: string, topic: string, groupId: string): CommitSampler {
  const samples: CommitSample[] = [];
  const stopped = new AbortController();
  const admin = new kafkajs.Kafka({
    brokers: [brokers],
    logLevel: kafkajs.logLevel.NOTHING,
    requestTimeout: 2000,
    retry: { retries: 0 },
  }).admin();
  const run = async () => {
    while (!stopped.signal.aborted) {
      try {
        const [found] = await admin.fetchOffsets({ groupId, topics: [topic] });
        const at = Date.now();
        const offsets = (found?.partitions ?? []).map(({ partition, offset }): [number, number] => [
          partition,
          Number(offset),
        ]);
        // After a restart of the broker kafkajs may ask for no partition: such an answer says nothing.
        if (offsets.length > 0) samples.push({ at, offsets: new Map(offsets) });
      } catch {
        // The broker is down.
      }
      await delay(INTERVAL_MS, undefined, { signal: stopped.signal }).catch(() => undefined);
    }
  };
  const running = run();
  return {
    samples,
    async stop() {
      stopped.abort();
      await running;
      await admin.disconnect();
    },
  };
}
