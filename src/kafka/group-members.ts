import kafkajs, { type Admin, type GroupDescription } from 'kafkajs';
import { withRequiredPermissions } from './missing-permission.ts';

/** A member of a consumer group, as the coordinator describes it. */
export interface GroupMember {
  readonly memberId: string;
  readonly clientId: string;
  /** Such as `/10.0.0.7`. */
  readonly host: string;
  /** Its subscription; undefined during a rebalance, when the coordinator does not report it. */
  readonly topics: readonly string[] | undefined;
  /** Topic to the partitions that it has been assigned. */
  readonly assigned: Readonly<Record<string, readonly number[]>>;
}

export interface ConsumerGroup {
  readonly members: readonly GroupMember[];
  /** False during a rebalance, when the assignment is not settled. */
  readonly isStable: boolean;
}

/** Throws a MissingPermissionError without the permission to describe the group. */
export async function readGroup(
  admin: Pick<Admin, 'describeGroups'>,
  groupId: string,
): Promise<ConsumerGroup> {
  const { groups } = await withRequiredPermissions(
    [{ operation: 'DESCRIBE', resource: 'group', name: groupId }],
    () => admin.describeGroups([groupId]),
  );
  return groupOf(groups[0]);
}

export const groupOf = (
  description: Pick<GroupDescription, 'members' | 'state'> | undefined,
): ConsumerGroup => ({
  isStable: description?.state === 'Stable',
  members: (description?.members ?? []).map((member) => ({
    memberId: member.memberId,
    clientId: member.clientId,
    host: member.clientHost,
    topics: decoded(member.memberMetadata, (buffer) =>
      kafkajs.AssignerProtocol.MemberMetadata.decode(buffer),
    )?.topics,
    assigned:
      decoded(member.memberAssignment, (buffer) =>
        kafkajs.AssignerProtocol.MemberAssignment.decode(buffer),
      )?.assignment ?? {},
  })),
});

/** Undefined for bytes that are empty, or that another kind of client wrote in its own format. */
function decoded<Value>(
  buffer: Buffer,
  decode: (buffer: Buffer) => Value | null,
): Value | undefined {
  if (buffer.length === 0) return undefined;
  try {
    return decode(buffer) ?? undefined;
  } catch {
    return undefined;
  }
}

/** The members of a group that subscribe to other topics than a bridge. */
export interface OtherMembers {
  /** They share no topic with the bridge: another service uses the group by mistake. */
  readonly foreign: readonly GroupMember[];
  /** They share some topics, as while the topics of the bridges are changed by a rolling upgrade. */
  readonly overlapping: readonly GroupMember[];
}

/** @param topics of the bridge; their order does not matter */
export function otherMembers({ members }: ConsumerGroup, topics: readonly string[]): OtherMembers {
  const others = members.filter((member) => member.topics && !hasSameTopics(member.topics, topics));
  const isOverlapping = (member: GroupMember) =>
    member.topics?.some((topic) => topics.includes(topic)) ?? false;
  return {
    foreign: others.filter((member) => !isOverlapping(member)),
    overlapping: others.filter(isOverlapping),
  };
}

function hasSameTopics(a: readonly string[], b: readonly string[]): boolean {
  const [first, second] = [new Set(a), new Set(b)];
  return first.size === second.size && [...first].every((topic) => second.has(topic));
}

/**
 * The partitions of the topic that no member reads: those assigned to no member, or to one that does not
 * subscribe to the topic and therefore ignores them. Empty during a rebalance.
 */
export function unreadPartitions(
  { members, isStable }: ConsumerGroup,
  topic: string,
  partitions: readonly number[],
): readonly number[] {
  if (!isStable) return [];
  const read = new Set(
    members
      .filter(({ topics }) => topics === undefined || topics.includes(topic))
      .flatMap(({ assigned }) => assigned[topic] ?? []),
  );
  return partitions.filter((partition) => !read.has(partition));
}

/** Such as `"order-ingest" at /10.0.0.7 (member x-1, subscribed to "orders-us")`, joined by "and". */
export const describeMembers = (members: readonly GroupMember[]): string =>
  members
    .map(
      ({ clientId, host, memberId, topics = [] }) =>
        `"${clientId}" at ${host} (member ${memberId}, subscribed to ${topics.map((topic) => `"${topic}"`).join(', ')})`,
    )
    .join(' and ');
