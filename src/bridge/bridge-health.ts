import { describeMembers, type GroupMember } from '../kafka/group-members.ts';

/**
 * The lag that one bridge reports: of the partitions that it reads, so that the sum over all bridges is
 * the lag of the group, and of the partitions that no bridge reads, which otherwise nobody would report.
 */
export const reportedLag = (
  lag: ReadonlyMap<number, number>,
  own: ReadonlySet<number>,
  unread: ReadonlySet<number>,
): ReadonlyMap<number, number> =>
  new Map([...lag].filter(([partition]) => own.has(partition) || unread.has(partition)));

/** Why a bridge is not ready whose group has members that read something else; undefined without any. */
export const foreignMembersReason = (
  foreign: readonly GroupMember[],
  groupId: string,
  topic: string,
): string | undefined =>
  foreign.length === 0
    ? undefined
    : `the group "${groupId}" has members that do not read "${topic}" alone, so that partitions of it may not be read: ${describeMembers(foreign)}; give the bridges of each topic a KAFKA_GROUP_ID of their own`;
