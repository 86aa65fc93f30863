import kafkajs, { type Kafka, type PartitionAssigner } from 'kafkajs';
import { askBroker } from '../ask-broker.ts';
import { describeTopic } from '../topic-partitions.ts';

export interface Subscriber {
  readonly memberId: string;
  readonly topics: readonly string[];
}

/** Member to its partitions, by topic. */
export type Assignments = ReadonlyMap<string, Readonly<Record<string, readonly number[]>>>;

/**
 * Assigns partitions as kafkajs's round robin assigner does, but each topic only to the members that
 * subscribe to it. kafkajs's own assigner deals the leader's topics to every member (kafkajs#1776), so
 * that with two topics under one group partitions are assigned to members that ignore them.
 *
 * It has the name of kafkajs's assigner: all members of a group have to offer one in common, and members
 * of an older version know only that one. Where such a member leads the group, its assignment applies.
 */
export const subscriptionAssigner =
  (kafka: Kafka): PartitionAssigner =>
  (options) => {
    const { cluster } = options;
    const roundRobin = kafkajs.PartitionAssigners.roundRobin(options);
    return {
      ...roundRobin,
      async assign({ members, topics: own }) {
        const subscribers = members.map(({ memberId, memberMetadata }) => ({
          memberId,
          topics: kafkajs.AssignerProtocol.MemberMetadata.decode(memberMetadata)?.topics ?? own,
        }));
        const partitions = new Map<string, readonly number[]>();
        for (const topic of new Set(subscribers.flatMap(({ topics }) => topics))) {
          partitions.set(
            topic,
            own.includes(topic)
              ? cluster.findTopicPartitionMetadata(topic).map(({ partitionId }) => partitionId)
              : await partitionsOfForeign(kafka, topic),
          );
        }
        return [...assignBySubscription(subscribers, partitions)].map(([memberId, assignment]) => ({
          memberId,
          memberAssignment: kafkajs.AssignerProtocol.MemberAssignment.encode({
            version: roundRobin.version,
            assignment: Object.fromEntries(
              Object.entries(assignment).map(([topic, numbers]) => [topic, [...numbers]]),
            ),
            userData: Buffer.alloc(0),
          }),
        }));
      },
    };
  };

/**
 * By a connection of its own: among the consumer's own topics, one that is deleted later, or that this
 * client may not see, would end the consumer. None where it cannot be seen; this topic matters more.
 */
async function partitionsOfForeign(kafka: Kafka, topic: string): Promise<readonly number[]> {
  try {
    const partitions = await askBroker(kafka, (admin) => describeTopic(admin, topic));
    return (partitions ?? []).map(({ partition }) => partition);
  } catch {
    return [];
  }
}

/** Deals the partitions of each topic to its subscribers in turn. Depends on nothing but its input. */
export function assignBySubscription(
  subscribers: readonly Subscriber[],
  partitionsOf: ReadonlyMap<string, readonly number[]>,
): Assignments {
  const assignments = new Map<string, Record<string, number[]>>();
  const sorted = [...subscribers].sort((a, b) => (a.memberId < b.memberId ? -1 : 1));
  let turn = 0;
  for (const [topic, partitions] of partitionsOf) {
    const entitled = sorted.filter(({ topics }) => topics.includes(topic));
    for (const partition of partitions) {
      const member = entitled[turn % entitled.length];
      if (!member) break;
      turn += 1;
      const assignment = assignments.get(member.memberId) ?? {};
      assignments.set(member.memberId, assignment);
      (assignment[topic] ??= []).push(partition);
    }
  }
  return assignments;
}
