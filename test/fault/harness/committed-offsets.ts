import { setTimeout as delay } from 'node:timers/promises';
import kafkajs from 'kafkajs';

/** The committed offsets of the group at one time. None was committed later than `at`. */
export interface CommitSample {
  readonly at: number;
  /** By partition, as far as the broker has answered; -1 if nothing is committed. */
  readonly offsets: ReadonlyMap<number, number>;
}

export interface CommitSampler {
  readonly samples: readonly CommitSample[];
  stop(): Promise<void>;
}

const INTERVAL_MS = 100;

/** Samples the group's committed offsets several times per second, whenever the broker answers. */
export function sampleCommits(brokers: string, topic: string, groupId: string): CommitSampler {
  const samples: CommitSample[] = [];
  const stopped = new AbortController();
  const admin = new kafkajs.Kafka({
    brokers: brokers.split(','),
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
        // After a restart of the broker kafkajs may request no partition: the answer is then empty.
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

export interface MessageOutcome {
  readonly id: string;
  readonly partition: number;
  readonly offset: number;
  /** When the message had its outcome, in milliseconds since 1970; undefined if it has none. */
  readonly at: number | undefined;
}

/** The times come from one machine's clock, but from different programs. */
const CLOCK_TOLERANCE_MS = 20;

/**
 * Reports offsets that were committed before their message had an outcome, and offsets that went back. A
 * sample without a partition is ignored for it. A missing commit counts only if the next sample confirms it.
 *
 * @param messages in the order of their offsets
 */
export function commitProblems(
  messages: readonly MessageOutcome[],
  partitions: number,
  samples: readonly CommitSample[],
): readonly string[] {
  const problems: string[] = [];
  for (let partition = 0; partition < partitions; partition += 1) {
    const own = messages.filter((message) => message.partition === partition);
    const known = samples.flatMap(({ at, offsets }) => {
      const offset = offsets.get(partition);
      return offset === undefined ? [] : [{ at, offset }];
    });
    let index = 0;
    let committed = -1;
    for (const [n, { at, offset: now }] of known.entries()) {
      const isContradicted =
        now === -1 && known[n + 1] !== undefined && known[n + 1]?.offset !== -1;
      if (now < committed && !isContradicted) {
        problems.push(`partition ${partition} went back from ${committed} to ${now}`);
      }
      committed = Math.max(committed, now);
      for (; index < own.length && (own[index]?.offset ?? 0) < committed; index += 1) {
        const message = own[index];
        if (!message) break;
        if (message.at === undefined || message.at > at + CLOCK_TOLERANCE_MS) {
          const position = `${partition}/${message.offset}`;
          problems.push(`${message.id} (${position}) was committed before it had an outcome`);
        }
      }
    }
  }
  return problems;
}
