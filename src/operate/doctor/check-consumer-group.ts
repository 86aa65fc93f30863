import {
  describeMembers,
  foreignMembers,
  readGroup,
  unreadPartitions,
  type ConsumerGroup,
} from '../../kafka/group-members.ts';
import { isOffset, readPositions } from '../../kafka/group-positions.ts';
import type { KafkaAdmin } from '../../kafka/kafka-client.ts';
import { partitionLag } from '../../kafka/lag.ts';
import { ofOnlinePartitions } from '../../kafka/patches/offline-partitions.ts';
import type { TopicEnds } from '../../kafka/topic-partitions.ts';
import { failed, ok, warning, type Finding } from './finding.ts';

export const GROUP_CHECK = 'Kafka: consumer group';
const RETENTION_CHECK = 'Kafka: retention';

interface GroupAndTopic {
  readonly groupId: string;
  readonly topic: string;
}

/** Checks the members of the consumer group, and that the topic still has what the group has yet to read. */
export async function checkConsumerGroup(
  admin: KafkaAdmin,
  { groupId, topic }: GroupAndTopic,
  { ends, offline }: TopicEnds,
): Promise<readonly Finding[]> {
  const group = await readGroup(admin, groupId);
  const positions =
    ends.length > 0 ? await ofOnlinePartitions(() => readPositions(admin, groupId, topic)) : [];
  const lag = positions.map(partitionLag).reduce((sum, one) => sum + one.lag, 0n);
  const partitions = [...ends.map(({ partition }) => partition), ...offline];
  const lost = positions.filter(({ committed, low }) => isOffset(committed) && committed < low);
  return [
    groupFinding(group, { groupId, topic, partitions, lag }),
    lost.length === 0
      ? ok(RETENTION_CHECK, 'no message has been deleted before the group has read it')
      : failed(
          RETENTION_CHECK,
          `messages were deleted before the group had read them, in partition ${lost.map(({ partition }) => partition).join(', ')}`,
          "raise the topic's retention.ms, start bridges, and ask the producer to send the lost messages again",
        ),
  ];
}

/** Whether the members of the group read the whole topic, and nothing else. */
export function groupFinding(
  group: ConsumerGroup,
  {
    groupId,
    topic,
    partitions,
    lag,
  }: GroupAndTopic & { readonly partitions: readonly number[]; readonly lag: bigint },
): Finding {
  const members = group.members.length;
  const detail = `"${groupId}" has ${members} ${members === 1 ? 'bridge' : 'bridges'} and a lag of ${lag} messages`;
  if (members === 0) return failed(GROUP_CHECK, detail, 'start a bridge: `order-ingest bridge`');
  const unread = unreadPartitions(group, topic, partitions);
  const unreadText =
    unread.length === 0 ? '' : `; no member reads partition ${unread.join(', ')} of "${topic}"`;
  const foreign = foreignMembers(group, topic);
  if (foreign.length > 0) {
    return failed(
      GROUP_CHECK,
      `"${groupId}" has ${members} ${members === 1 ? 'member' : 'members'} and a lag of ${lag} messages; not a bridge of "${topic}": ${describeMembers(foreign)}${unreadText}`,
      'give the bridges of each topic, and every other consumer, their own KAFKA_GROUP_ID',
    );
  }
  if (unread.length > 0) {
    return failed(GROUP_CHECK, `${detail}${unreadText}`, 'restart the bridges, or read their logs');
  }
  return members > partitions.length
    ? warning(
        GROUP_CHECK,
        `${detail}, but only ${partitions.length} partitions: some bridges are idle`,
        'run fewer bridges, or add partitions',
      )
    : ok(GROUP_CHECK, detail);
}
