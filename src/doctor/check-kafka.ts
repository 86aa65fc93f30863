import { readSettings, type Environment, type Settings } from '../config/read-settings.ts';
import { LAG_ROLE } from '../config/roles.ts';
import { deadLetterTopicOf, replayMarksTopicOf, type KafkaAdmin } from '../kafka/kafka-client.ts';
import { isOffset } from '../kafka/committed-offsets.ts';
import { readPositions } from '../kafka/read-positions.ts';
import { deadLetterMaxBytes, topicConfig, withAdmin } from '../kafka/topics.ts';
import { failed, failedBy, ok, warning, type Finding } from './finding.ts';

export interface KafkaFindings {
  readonly findings: readonly Finding[];
  /** How long the topic keeps a message, in milliseconds; infinite, or undefined when not known. */
  readonly retentionMs: number | undefined;
}

const SET_UP = 'run `order-ingest setup --only kafka`, or correct KAFKA_TOPIC';

/** Looks at the brokers, the topics and the consumer group. Never throws. */
export async function checkKafka(env: Environment): Promise<KafkaFindings> {
  try {
    const settings = readSettings(LAG_ROLE, env);
    return await withAdmin(settings.kafka, (admin) => checkConnected(admin, settings));
  } catch (error) {
    return {
      findings: [failedBy('Kafka', error, 'check KAFKA_BROKERS and that the broker runs')],
      retentionMs: undefined,
    };
  }
}

async function checkConnected(
  admin: KafkaAdmin,
  { kafka, group: { groupId } }: Settings<typeof LAG_ROLE>,
): Promise<KafkaFindings> {
  const { brokers } = await admin.describeCluster();
  const existing = await admin.listTopics();
  const findings = [
    ok(
      'Kafka',
      `${brokers.length} ${brokers.length === 1 ? 'broker' : 'brokers'} at ${kafka.brokers.join(',')}`,
    ),
  ];
  const { topic } = kafka;
  const isThere = existing.includes(topic);
  let partitions = 0;
  let retentionMs: number | undefined;
  if (isThere) {
    partitions = (await admin.fetchTopicOffsets(topic)).length;
    retentionMs = Number(await topicConfig(admin, topic, 'retention.ms'));
    if (retentionMs < 0) retentionMs = Number.POSITIVE_INFINITY;
    findings.push(ok('Kafka: topic', `"${topic}" with ${partitions} partitions`));
  } else findings.push(failed('Kafka: topic', `"${topic}" does not exist`, SET_UP));
  findings.push(
    existing.includes(deadLetterTopicOf(kafka))
      ? ok('Kafka: dead-letter topic', `"${deadLetterTopicOf(kafka)}"`)
      : failed('Kafka: dead-letter topic', `"${deadLetterTopicOf(kafka)}" does not exist`, SET_UP),
    existing.includes(replayMarksTopicOf(kafka))
      ? ok('Kafka: replay marks', `"${replayMarksTopicOf(kafka)}"`)
      : warning(
          'Kafka: replay marks',
          `"${replayMarksTopicOf(kafka)}" does not exist; the first replay of dead letters makes it`,
          SET_UP,
        ),
  );
  if (isThere && existing.includes(deadLetterTopicOf(kafka))) {
    findings.push(...(await checkDeadLettersFit(admin, topic, deadLetterTopicOf(kafka))));
  }
  if (isThere) findings.push(...(await checkGroup(admin, groupId, topic, partitions)));
  return { findings, retentionMs };
}

async function checkDeadLettersFit(
  admin: KafkaAdmin,
  topic: string,
  deadLetterTopic: string,
): Promise<readonly Finding[]> {
  const maxBytes = async (of: string) => Number(await topicConfig(admin, of, 'max.message.bytes'));
  return deadLetterFindings(
    { name: topic, maxBytes: await maxBytes(topic) },
    {
      name: deadLetterTopic,
      maxBytes: await maxBytes(deadLetterTopic),
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

async function checkGroup(
  admin: KafkaAdmin,
  groupId: string,
  topic: string,
  partitions: number,
): Promise<readonly Finding[]> {
  const { groups } = await admin.describeGroups([groupId]);
  const members = groups[0]?.members.length ?? 0;
  const positions = await readPositions(admin, groupId, topic);
  const lag = positions.reduce((sum, { committed, low, high }) => {
    const from = isOffset(committed) && committed > low ? committed : low;
    return sum + (high > from ? high - from : 0n);
  }, 0n);
  const detail = `"${groupId}" has ${members} ${members === 1 ? 'bridge' : 'bridges'} and ${lag} messages to go`;
  const lost = positions.filter(({ committed, low }) => isOffset(committed) && committed < low);
  return [
    members === 0
      ? failed('Kafka: consumer group', detail, 'start a bridge: `order-ingest bridge`')
      : members > partitions
        ? warning(
            'Kafka: consumer group',
            `${detail}; of ${partitions} partitions each can have one alone`,
            'run fewer bridges, or add partitions',
          )
        : ok('Kafka: consumer group', detail),
    lost.length === 0
      ? ok('Kafka: retention', 'nothing that the group has to read has been deleted')
      : failed(
          'Kafka: retention',
          `messages were deleted before the group has read them, in partitions ${lost.map(({ partition }) => partition).join(', ')}`,
          "raise the topic's retention.ms, start bridges, and ask the producer for what is lost",
        ),
  ];
}
