import { counted } from '../../program/counted.ts';
import {
  describeMembers,
  otherMembers,
  readGroup,
  unreadPartitions,
  type ConsumerGroup,
  type GroupMember,
} from '../../kafka/group-members.ts';
import { isOffset, readPositions } from '../../kafka/group-positions.ts';
import type { KafkaAdmin } from '../../kafka/kafka-client.ts';
import { partitionLag } from '../../kafka/lag.ts';
import { ofOnlinePartitions } from '../../kafka/patches/offline-partitions.ts';
import { quoted } from '../../kafka/source-topics.ts';
import type { TopicEnds } from '../../kafka/topic-partitions.ts';
import { failed, ok, warning, type Finding } from './finding.ts';

export const GROUP_CHECK = 'Kafka: consumer group';
const RETENTION_CHECK = 'Kafka: retention';

/**
 * Checks the members of the consumer group, and that the topics still have what the group has yet to read.
 *
 * @param known the topics that exist
 */
export async function checkConsumerGroup(
  admin: KafkaAdmin,
  { groupId, topics }: { readonly groupId: string; readonly topics: readonly string[] },
  known: ReadonlyMap<string, TopicEnds>,
): Promise<readonly Finding[]> {
  const group = await readGroup(admin, groupId);
  const partitions = new Map<string, readonly number[]>();
  const lost: string[] = [];
  let lag = 0n;
  for (const [topic, { ends, offline }] of known) {
    const positions =
      ends.length > 0 ? await ofOnlinePartitions(() => readPositions(admin, groupId, topic)) : [];
    lag += positions.map(partitionLag).reduce((sum, one) => sum + one.lag, 0n);
    partitions.set(topic, [...ends.map(({ partition }) => partition), ...offline]);
    const gone = positions.filter(({ committed, low }) => isOffset(committed) && committed < low);
    if (gone.length === 0) continue;
    lost.push(`partition ${gone.map(({ partition }) => partition).join(', ')} of "${topic}"`);
  }
  return [
    groupFinding(group, { groupId, topics, partitions, lag }),
    lost.length === 0
      ? ok(RETENTION_CHECK, 'no message has been deleted before the group has read it')
      : failed(
          RETENTION_CHECK,
          `messages were deleted before the group had read them, in ${lost.join(' and ')}`,
          "raise the topic's retention.ms, start bridges, and ask the producer to send the lost messages again",
        ),
  ];
}

interface GroupFacts {
  readonly groupId: string;
  readonly topics: readonly string[];
  /** By topic, for the topics that exist. */
  readonly partitions: ReadonlyMap<string, readonly number[]>;
  readonly lag: bigint;
}

/** Whether the members of the group read all topics completely, and nothing else. */
export function groupFinding(
  group: ConsumerGroup,
  { groupId, topics, partitions, lag }: GroupFacts,
): Finding {
  const members = group.members.length;
  const detail = `"${groupId}" has ${counted(members, 'bridge')} and a lag of ${counted(lag, 'message')}`;
  if (members === 0) return failed(GROUP_CHECK, detail, 'start a bridge: `order-ingest bridge`');
  const unread = [...partitions].flatMap(([topic, numbers]) => {
    const ofTopic = unreadPartitions(group, topic, numbers);
    return ofTopic.length === 0 ? [] : [`partition ${ofTopic.join(', ')} of "${topic}"`];
  });
  const unreadText = unread.length === 0 ? '' : `; no member reads ${unread.join(' and ')}`;
  const { foreign, overlapping } = otherMembers(group, topics);
  const others = (which: string, list: readonly GroupMember[]) =>
    `"${groupId}" has ${counted(members, 'member')} and a lag of ${counted(lag, 'message')}; ${which} ${quoted(topics)}: ${describeMembers(list)}${unreadText}`;
  if (foreign.length > 0) {
    return failed(
      GROUP_CHECK,
      others('not a bridge of', foreign),
      'give the bridges of each topic, and every other consumer, their own KAFKA_GROUP_ID',
    );
  }
  if (overlapping.length > 0) {
    const fix =
      'complete the rolling upgrade that changes KAFKA_TOPIC, or set the same topics for all bridges of the group';
    const report = unread.length > 0 ? failed : warning;
    return report(GROUP_CHECK, others('with other topics than', overlapping), fix);
  }
  if (unread.length > 0) {
    return failed(GROUP_CHECK, `${detail}${unreadText}`, 'restart the bridges, or read their logs');
  }
  const count = [...partitions.values()].flat().length;
  return members > count
    ? warning(
        GROUP_CHECK,
        `${detail}, but only ${counted(count, 'partition')}: some bridges are idle`,
        'run fewer bridges, or add partitions',
      )
    : ok(GROUP_CHECK, detail);
}
