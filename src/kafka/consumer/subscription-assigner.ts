import kafkajs, { type Kafka, type PartitionAssigner } from 'kafkajs';
import { withAdmin } from '../admin.ts';
import { describeTopic } from '../topic-partitions.ts';

export interface Subscriber {
  readonly memberId: string;
  readonly topics: readonly string[];
}

/** The partitions of each member, by member ID and topic. */
export type Assignments = ReadonlyMap<string, Readonly<Record<string, readonly number[]>>>;

/**
 * Assigns partitions as kafkajs's round-robin assigner does, but those of a topic only to members that
 * subscribe to the topic. kafkajs's own assigner distributes the leader's topics to all members
 * (kafkajs#1776): with two topics in one group, partitions are assigned to members that ignore them.
 *
 * It has the name of kafkajs's assigner, because all members of a group must have an assigner in common and
 * members of older versions have only that one. If such a member leads the group, its assignment applies.
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
 * The partitions of a topic that only other members subscribe to. It is looked up through a separate
 * connection: as one of the consumer's own topics it would end the consumer when it is deleted or this
 * client has no permission to see it. Empty when it cannot be seen, because this member's own topic must be
 * assigned anyway.
 */
async function partitionsOfForeign(kafka: Kafka, topic: string): Promise<readonly number[]> {
  try {
    const partitions = await withAdmin(kafka, (admin) => describeTopic(admin, topic));
    return (partitions ?? []).map(({ partition }) => partition);
  } catch {
    return [];
  }
}

/** Distributes the partitions of each topic to its subscribers in turn. Deterministic. */
export function assignBySubscription(
  subscribers: readonly Subscriber[],
  partitionsOf: ReadonlyMap<string, readonly number[]>,
): Assignments {
  const assignments = new Map<string, Record<string, number[]>>();
  const sorted = [...subscribers].sort((a, b) => (a.memberId < b.memberId ? -1 : 1));
  let turn = 0;
  for (const [topic, partitions] of partitionsOf) {
    const topicSubscribers = sorted.filter(({ topics }) => topics.includes(topic));
    for (const partition of partitions) {
      const member = topicSubscribers[turn % topicSubscribers.length];
      if (!member) break;
      turn += 1;
      const assignment = assignments.get(member.memberId) ?? {};
      assignments.set(member.memberId, assignment);
      (assignment[topic] ??= []).push(partition);
    }
  }
  return assignments;
}
