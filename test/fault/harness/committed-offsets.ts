import kafkajs from 'kafkajs';
import { runConsoleConsumer } from './console-consumer.ts';

/** One commit of the group, as the broker has recorded it. */
export interface Commit {
  readonly partition: number;
  /** -1 if the broker has deleted the offset. */
  readonly offset: number;
  /** When the coordinator received it, in milliseconds since 1970; undefined for a deletion. */
  readonly at: number | undefined;
}

const OFFSETS_TOPIC = '__consumer_offsets';

/**
 * Every commit of the group, in the order in which the broker has recorded them, read from the broker's own
 * topic of offsets. What a coordinator answers is no evidence: after a controlled shutdown its successor
 * answers for up to a second with an offset that is one commit old.
 */
export async function readCommits(
  brokers: string,
  topic: string,
  groupId: string,
): Promise<readonly Commit[]> {
  const admin = new kafkajs.Kafka({
    brokers: brokers.split(','),
    logLevel: kafkajs.logLevel.NOTHING,
  }).admin();
  await admin.connect();
  const ends = await admin.fetchTopicOffsets(OFFSETS_TOPIC).finally(() => admin.disconnect());
  const own = hashOf(groupId) % ends.length;
  const end = ends.find(({ partition }) => partition === own);
  const output = await runConsoleConsumer(
    brokers,
    OFFSETS_TOPIC,
    Number(end?.high) - Number(end?.low),
    ...['--partition', String(own), '--offset', 'earliest'],
    ...['--formatter', 'org.apache.kafka.tools.consumer.OffsetsMessageFormatter'],
  );
  // The formatter ends no line.
  const records = output.split(/(?<=\})(?=\{"key")/);
  return records.filter(Boolean).flatMap((record) => {
    const { key, value } = JSON.parse(record) as OffsetRecord;
    if (key.data.group !== groupId || key.data.topic !== topic) return [];
    const { partition } = key.data;
    return [{ partition, offset: value?.data.offset ?? -1, at: value?.data.commitTimestamp }];
  });
}

interface OffsetRecord {
  readonly key: { readonly data: { readonly group: string; topic: string; partition: number } };
  readonly value: { readonly data: { readonly offset: number; commitTimestamp: number } } | null;
}

/** The absolute value of Java's `String.hashCode()`, by which Kafka assigns groups to partitions. */
function hashOf(groupId: string): number {
  let hash = 0;
  for (let n = 0; n < groupId.length; n += 1) hash = (hash * 31 + groupId.charCodeAt(n)) | 0;
  return Math.abs(hash);
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
 * Reports offsets that were committed before their message had an outcome, and offsets that went back.
 *
 * @param messages in the order of their offsets
 */
export function commitProblems(
  messages: readonly MessageOutcome[],
  partitions: number,
  commits: readonly Commit[],
): readonly string[] {
  const problems: string[] = [];
  for (let partition = 0; partition < partitions; partition += 1) {
    const own = messages.filter((message) => message.partition === partition);
    let index = 0;
    let committed = -1;
    for (const commit of commits) {
      if (commit.partition !== partition) continue;
      if (commit.offset < committed) {
        problems.push(`partition ${partition} went back from ${committed} to ${commit.offset}`);
      }
      committed = Math.max(committed, commit.offset);
      for (; index < own.length && (own[index]?.offset ?? 0) < committed; index += 1) {
        const message = own[index];
        if (!message) break;
        if (message.at === undefined || message.at > (commit.at ?? 0) + CLOCK_TOLERANCE_MS) {
          const position = `${partition}/${message.offset}`;
          problems.push(`${message.id} (${position}) was committed before it had an outcome`);
        }
      }
    }
    // A broker that recorded no commit, or a reader that found none, must not pass for a good run.
    if (own.length > 0 && committed <= (own.at(-1)?.offset ?? 0)) {
      problems.push(`partition ${partition} is committed up to ${committed}`);
    }
  }
  return problems;
}
