import type { Kafka } from 'kafkajs';
import { askBroker } from './ask-broker.ts';
import { readLag } from './read-lag.ts';

export interface LagWatch {
  /** Partition to its lag, as of the last look; empty before the first. */
  readonly current: () => ReadonlyMap<number, number>;
  stop(): void;
}

/** Asks the broker now and then how far a group is behind. While it does not answer, nothing is new. */
export function watchLag(options: {
  readonly kafka: Kafka;
  readonly groupId: string;
  readonly topic: string;
  readonly intervalMs: number;
}): LagWatch {
  const { kafka, groupId, topic, intervalMs } = options;
  let lag: ReadonlyMap<number, number> = new Map();
  let isAsking = false;
  const look = async () => {
    if (isAsking) return;
    isAsking = true;
    try {
      const partitions = await askBroker(kafka, (admin) => readLag(admin, groupId, topic));
      lag = new Map(partitions.map((one) => [one.partition, Number(one.lag)]));
    } catch {
      // The consumer itself tells when the broker is away.
    } finally {
      isAsking = false;
    }
  };
  void look();
  const timer = setInterval(() => void look(), intervalMs);
  return {
    current: () => lag,
    stop() {
      clearInterval(timer);
    },
  };
}
