import { readSettings, type Environment, type Settings } from '../../config/read-settings.ts';
import { LAG_ROLE } from '../../config/roles.ts';
import { isOffset, readPositions } from '../../kafka/group-positions.ts';
import {
  describeMembers,
  foreignMembers,
  readGroup,
  unreadPartitions,
  type ConsumerGroup,
} from '../../kafka/group-members.ts';
import {
  deadLetterTopicOf,
  replayMarksTopicOf,
  type KafkaAdmin,
} from '../../kafka/kafka-client.ts';
import { kafkaFailed } from '../../kafka/kafka-failed.ts';
import { ofOnlinePartitions } from '../../kafka/patches/offline-partitions.ts';
import {
  fetchTopicEnds,
  OFFLINE_FIX,
  offlineText,
  topicExists,
  type TopicEnds,
} from '../../kafka/topic-partitions.ts';
import { deadLetterMaxBytes, topicConfig } from '../../kafka/topics.ts';
import { withFailFastAdmin } from '../../kafka/admin.ts';
import { failed, fromError, ok, warning, type Finding } from './finding.ts';

export interface KafkaFindings {
  readonly findings: readonly Finding[];
  /** How long the topic keeps a message, in milliseconds; infinite, or undefined when not known. */
  readonly retentionMs: number | undefined;
}

type DoctorSettings = Settings<typeof LAG_ROLE>;

const SET_UP = 'run `order-ingest setup --only kafka`, or correct KAFKA_TOPIC';

/** Looks at the brokers, the topics and the consumer group. Never throws. */
export async function checkKafka(env: Environment): Promise<KafkaFindings> {
  try {
    const settings = readSettings(LAG_ROLE, env);
    return await withFailFastAdmin(settings.kafka, (admin) => checkConnected(admin, settings));
  } catch (error) {
    return {
      findings: [fromError('Kafka', error, 'check KAFKA_BROKERS and that the broker runs')],
      retentionMs: undefined,
    };
  }
}

async function checkConnected(admin: KafkaAdmin, settings: DoctorSettings): Promise<KafkaFindings> {
  const { kafka } = settings;
  const { topic } = kafka;
  const { brokers } = await admin.describeCluster();
  const findings = [
    ok(
      'Kafka',
      `${brokers.length} ${brokers.length === 1 ? 'broker' : 'brokers'} at ${kafka.brokers.join(',')}`,
    ),
  ];
  /** Each check by itself: a right that is missing for one must not hide what the others find. */
  const check = async (name: string, look: () => Promise<readonly Finding[]>) => {
    try {
      findings.push(...(await look()));
    } catch (error) {
      findings.push(fromError(name, kafkaFailed(kafka, error), SET_UP));
    }
  };
  let ends: TopicEnds | undefined;
  let retentionMs: number | undefined;
  await check('Kafka: topic', async () => {
    if (!(await topicExists(admin, topic))) {
      return [failed('Kafka: topic', `"${topic}" does not exist`, SET_UP)];
    }
    ends = await fetchTopicEnds(admin, topic);
    const retention = await topicConfig(admin, topic, 'retention.ms');
    if (retention !== undefined) {
      retentionMs = Number(retention) < 0 ? Number.POSITIVE_INFINITY : Number(retention);
    }
    return [checkPartitions('Kafka: topic', topic, ends)];
  });
  await check('Kafka: dead-letter topic', async () => {
    const name = deadLetterTopicOf(kafka);
    return (await topicExists(admin, name))
      ? [checkPartitions('Kafka: dead-letter topic', name, await fetchTopicEnds(admin, name))]
      : [failed('Kafka: dead-letter topic', `"${name}" does not exist`, SET_UP)];
  });
  await check('Kafka: replay marks', async () => {
    const name = replayMarksTopicOf(kafka);
    return [
      (await topicExists(admin, name))
        ? checkPartitions('Kafka: replay marks', name, await fetchTopicEnds(admin, name))
        : warning(
            'Kafka: replay marks',
            `"${name}" does not exist; the first replay of dead letters creates it`,
            SET_UP,
          ),
    ];
  });
  await check('Kafka: dead letters fit', () =>
    checkDeadLettersFit(admin, topic, deadLetterTopicOf(kafka)),
  );
  if (ends) {
    const known = ends;
    await check('Kafka: consumer group', () => checkGroup(admin, settings, known));
  }
  return { findings, retentionMs };
}

async function checkDeadLettersFit(
  admin: KafkaAdmin,
  topic: string,
  deadLetterTopic: string,
): Promise<readonly Finding[]> {
  // That one of them is missing is found by the checks before.
  if (!(await topicExists(admin, topic)) || !(await topicExists(admin, deadLetterTopic))) return [];
  const maxBytes = await topicConfig(admin, topic, 'max.message.bytes');
  const deadLetterMax = await topicConfig(admin, deadLetterTopic, 'max.message.bytes');
  if (maxBytes === undefined || deadLetterMax === undefined) {
    return [
      warning(
        'Kafka: dead letters fit',
        'the broker does not say how large messages may be',
        `compare max.message.bytes of "${topic}" and "${deadLetterTopic}" yourself`,
      ),
    ];
  }
  return deadLetterFindings(
    { name: topic, maxBytes: Number(maxBytes) },
    {
      name: deadLetterTopic,
      maxBytes: Number(deadLetterMax),
      cleanupPolicy: (await topicConfig(admin, deadLetterTopic, 'cleanup.policy')) ?? 'delete',
    },
  );
}

/** Whether every message of the topic can become a dead letter, and all of them are kept. */
export function deadLetterFindings(
  source: { readonly name: string; readonly maxBytes: number },
  deadLetters: { readonly name: string; readonly maxBytes: number; readonly cleanupPolicy: string },
): readonly Finding[] {
  const { name, maxBytes, cleanupPolicy } = deadLetters;
  const wanted = deadLetterMaxBytes(source.maxBytes);
  const set = (config: string) =>
    `run \`kafka-configs.sh --alter --topic ${name} --add-config ${config}\``;
  return [
    ...(cleanupPolicy.includes('compact')
      ? [
          failed(
            'Kafka: dead letters stay',
            `"${name}" is compacted: of dead letters with the same key only the last is kept`,
            set('cleanup.policy=delete'),
          ),
        ]
      : []),
    maxBytes < wanted
      ? warning(
          'Kafka: dead letters fit',
          `"${name}" takes messages of ${maxBytes} bytes and "${source.name}" of ${source.maxBytes}: a dead letter that is too large does not carry its value`,
          set(`max.message.bytes=${wanted}`),
        )
      : ok('Kafka: dead letters fit', `"${name}" takes messages of ${maxBytes} bytes`),
  ];
}

export function checkPartitions(
  check: string,
  topic: string,
  { ends, offline }: TopicEnds,
): Finding {
  const count = ends.length + offline.length;
  return offline.length === 0
    ? ok(check, `"${topic}" with ${count} partitions`)
    : failed(check, `${offlineText(topic, offline)} (of ${count} partitions)`, OFFLINE_FIX);
}

async function checkGroup(
  admin: KafkaAdmin,
  { kafka: { topic }, group: { groupId } }: DoctorSettings,
  { ends, offline }: TopicEnds,
): Promise<readonly Finding[]> {
  const group = await readGroup(admin, groupId);
  const positions =
    ends.length > 0 ? await ofOnlinePartitions(() => readPositions(admin, groupId, topic)) : [];
  const lag = positions.reduce((sum, { committed, low, high }) => {
    const from = isOffset(committed) && committed > low ? committed : low;
    return sum + (high > from ? high - from : 0n);
  }, 0n);
  const partitions = [...ends.map(({ partition }) => partition), ...offline];
  const lost = positions.filter(({ committed, low }) => isOffset(committed) && committed < low);
  return [
    judgeGroup(group, { groupId, topic, partitions, lag }),
    lost.length === 0
      ? ok('Kafka: retention', 'nothing that the group has to read has been deleted')
      : failed(
          'Kafka: retention',
          `messages were deleted before the group has read them, in partitions ${lost.map(({ partition }) => partition).join(', ')}`,
          "raise the topic's retention.ms, start bridges, and ask the producer for what is lost",
        ),
  ];
}

/** Whether the group's members read the topic, all of it, and nothing else. */
export function judgeGroup(
  group: ConsumerGroup,
  {
    groupId,
    topic,
    partitions,
    lag,
  }: {
    readonly groupId: string;
    readonly topic: string;
    readonly partitions: readonly number[];
    readonly lag: bigint;
  },
): Finding {
  const check = 'Kafka: consumer group';
  const members = group.members.length;
  const detail = `"${groupId}" has ${members} ${members === 1 ? 'bridge' : 'bridges'} and ${lag} messages to go`;
  if (members === 0) return failed(check, detail, 'start a bridge: `order-ingest bridge`');
  const unread = unreadPartitions(group, topic, partitions);
  const unreadText =
    unread.length === 0 ? '' : `; no member reads partition ${unread.join(', ')} of "${topic}"`;
  const foreign = foreignMembers(group, topic);
  if (foreign.length > 0) {
    return failed(
      check,
      `"${groupId}" has ${members} ${members === 1 ? 'member' : 'members'} and ${lag} messages to go; not a bridge of "${topic}": ${describeMembers(foreign)}${unreadText}`,
      'give the bridges of each topic, and every other consumer, a KAFKA_GROUP_ID of their own',
    );
  }
  if (unread.length > 0) {
    return failed(check, `${detail}${unreadText}`, 'restart the bridges, or look at their logs');
  }
  return members > partitions.length
    ? warning(
        check,
        `${detail}; of ${partitions.length} partitions each can have one alone`,
        'run fewer bridges, or add partitions',
      )
    : ok(check, detail);
}
