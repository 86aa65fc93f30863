import { counted } from '../../program/counted.ts';
import { readSettings, type Environment, type Settings } from '../../config/read-settings.ts';
import { LAG_ROLE } from '../../config/roles.ts';
import { withFailFastAdmin } from '../../kafka/admin.ts';
import { inTheClear } from '../../kafka/connection/sasl.ts';
import type { KafkaAdmin, KafkaSettings } from '../../kafka/kafka-client.ts';
import { kafkaError } from '../../kafka/kafka-error.ts';
import { grantCommand, permissionText } from '../../kafka/missing-permission.ts';
import {
  KAFKA_PROGRAMS,
  lackingPermissions,
  permissionsOf,
} from '../../kafka/program-permissions.ts';
import { deadLetterTopicOf, requeueMarksTopicOf } from '../../kafka/source-topics.ts';
import {
  fetchTopicEnds,
  OFFLINE_FIX,
  offlineText,
  topicExists,
  type TopicEnds,
} from '../../kafka/topic-partitions.ts';
import { deadLetterMaxBytes, topicConfig } from '../../kafka/topics.ts';
import { checkConsumerGroup, GROUP_CHECK } from './check-consumer-group.ts';
import { failed, fromError, ok, warning, type Finding } from './finding.ts';

export interface KafkaFindings {
  readonly findings: readonly Finding[];
  /**
   * How long the topics keep a message, in milliseconds; the longest of several, possibly infinite, undefined when
   * unknown.
   */
  readonly retentionMs: number | undefined;
}

const TOPIC_CHECK = 'Kafka: topic';
const DEAD_LETTER_TOPIC_CHECK = 'Kafka: dead-letter topic';
const MARKS_TOPIC_CHECK = 'Kafka: replay marks';
const ENCRYPTION_CHECK = 'Kafka: encryption';
const PERMISSIONS_CHECK = 'Kafka: permissions';
const SIZE_CHECK = 'Kafka: dead letters fit';

const SET_UP = 'run `order-ingest setup --only kafka`, or correct KAFKA_TOPIC';

/** Checks the brokers, the topics and the consumer group. Never throws. */
export async function checkKafka(env: Environment): Promise<KafkaFindings> {
  try {
    const settings = readSettings(LAG_ROLE, env);
    return await withFailFastAdmin(settings.kafka, (admin) => checkConnected(admin, settings));
  } catch (error) {
    return {
      findings: [fromError('Kafka', error, 'check KAFKA_BROKERS and that the broker is running')],
      retentionMs: undefined,
    };
  }
}

async function checkConnected(
  admin: KafkaAdmin,
  { kafka, group }: Settings<typeof LAG_ROLE>,
): Promise<KafkaFindings> {
  const { topics } = kafka;
  const deadLetterTopics = new Set(topics.map((topic) => deadLetterTopicOf(kafka, topic)));
  const { brokers } = await admin.describeCluster();
  const findings = [
    ok('Kafka', `${counted(brokers.length, 'broker')} at ${kafka.brokers.join(',')}`),
  ];
  /** Runs one check. The others still run when it fails, as it does for a missing permission. */
  const check = async (name: string, run: () => Promise<readonly Finding[]>) => {
    try {
      findings.push(...(await run()));
    } catch (error) {
      findings.push(fromError(name, kafkaError(kafka, error), SET_UP));
    }
  };
  const known = new Map<string, TopicEnds>();
  let retentionMs: number | undefined;
  for (const topic of topics) {
    await check(TOPIC_CHECK, async () => {
      if (!(await topicExists(admin, topic))) {
        return [failed(TOPIC_CHECK, `"${topic}" does not exist`, SET_UP)];
      }
      const ends = await fetchTopicEnds(admin, topic);
      known.set(topic, ends);
      const retention = await topicConfig(admin, topic, 'retention.ms');
      if (retention !== undefined) {
        const ms = Number(retention) < 0 ? Number.POSITIVE_INFINITY : Number(retention);
        retentionMs = Math.max(ms, retentionMs ?? 0);
      }
      return [partitionsFinding(TOPIC_CHECK, topic, ends)];
    });
  }
  for (const deadLetterTopic of deadLetterTopics) {
    await check(DEAD_LETTER_TOPIC_CHECK, async () => [
      (await topicExists(admin, deadLetterTopic))
        ? partitionsFinding(
            DEAD_LETTER_TOPIC_CHECK,
            deadLetterTopic,
            await fetchTopicEnds(admin, deadLetterTopic),
          )
        : failed(DEAD_LETTER_TOPIC_CHECK, `"${deadLetterTopic}" does not exist`, SET_UP),
    ]);
  }
  for (const marksTopic of [...deadLetterTopics].map(requeueMarksTopicOf)) {
    await check(MARKS_TOPIC_CHECK, async () => [
      (await topicExists(admin, marksTopic))
        ? partitionsFinding(MARKS_TOPIC_CHECK, marksTopic, await fetchTopicEnds(admin, marksTopic))
        : warning(
            MARKS_TOPIC_CHECK,
            `"${marksTopic}" does not exist; the first requeue of dead letters creates it`,
            SET_UP,
          ),
    ]);
  }
  for (const topic of topics) {
    await check(SIZE_CHECK, () =>
      checkDeadLettersFit(admin, topic, deadLetterTopicOf(kafka, topic)),
    );
  }
  if (known.size > 0) {
    const { groupId } = group;
    await check(GROUP_CHECK, () => checkConsumerGroup(admin, { groupId, topics }, known));
  }
  await check(ENCRYPTION_CHECK, () => Promise.resolve(encryptionFindings(kafka)));
  await check(PERMISSIONS_CHECK, () => permissionFindings(kafka, group.groupId));
  return { findings, retentionMs };
}

function encryptionFindings(kafka: KafkaSettings): readonly Finding[] {
  const secret = inTheClear(kafka);
  return secret === undefined
    ? []
    : [
        warning(
          ENCRYPTION_CHECK,
          `${secret} crosses the network unencrypted`,
          'set KAFKA_SSL=true',
        ),
      ];
}

/**
 * Which programs the user of these settings may run. Each program may have a user of its own, so that a
 * permission that another program needs is a warning.
 */
async function permissionFindings(
  kafka: KafkaSettings,
  groupId: string,
): Promise<readonly Finding[]> {
  const scope = { ...kafka, groupId };
  const all = KAFKA_PROGRAMS.flatMap((program) => permissionsOf(program, scope));
  const lacking = new Set((await lackingPermissions(kafka, all)).map(permissionText));
  const complete: string[] = [];
  const findings: Finding[] = [];
  for (const program of KAFKA_PROGRAMS) {
    const missing = permissionsOf(program, scope).filter((one) => lacking.has(permissionText(one)));
    if (missing.length === 0) {
      complete.push(program);
      continue;
    }
    const commands = missing.map((one) =>
      grantCommand(one, { brokers: kafka.brokers, user: kafka.saslUsername }),
    );
    findings.push(
      warning(
        PERMISSIONS_CHECK,
        `${program}: this user lacks ${missing.map(permissionText).join(', ')}`,
        `if this user is to run it: ${commands.join(' && ')}`,
      ),
    );
  }
  if (complete.length === 0) return findings;
  return [ok(PERMISSIONS_CHECK, `this user may run ${complete.join(', ')}`), ...findings];
}

function partitionsFinding(check: string, topic: string, { ends, offline }: TopicEnds): Finding {
  const count = ends.length + offline.length;
  return offline.length === 0
    ? ok(check, `"${topic}" with ${counted(count, 'partition')}`)
    : failed(
        check,
        `${offlineText(topic, offline)} (of ${counted(count, 'partition')})`,
        OFFLINE_FIX,
      );
}

async function checkDeadLettersFit(
  admin: KafkaAdmin,
  topic: string,
  deadLetterTopic: string,
): Promise<readonly Finding[]> {
  // The checks before have reported a topic that is missing.
  if (!(await topicExists(admin, topic)) || !(await topicExists(admin, deadLetterTopic))) return [];
  const maxBytes = await topicConfig(admin, topic, 'max.message.bytes');
  const deadLetterMax = await topicConfig(admin, deadLetterTopic, 'max.message.bytes');
  if (maxBytes === undefined || deadLetterMax === undefined) {
    return [
      warning(
        SIZE_CHECK,
        'the broker does not report max.message.bytes',
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

/** Whether the dead-letter topic accepts every message of its source topic, and keeps every dead letter. */
export function deadLetterFindings(
  source: { readonly name: string; readonly maxBytes: number },
  deadLetters: { readonly name: string; readonly maxBytes: number; readonly cleanupPolicy: string },
): readonly Finding[] {
  const { name, maxBytes, cleanupPolicy } = deadLetters;
  const needed = deadLetterMaxBytes(source.maxBytes);
  const set = (config: string) =>
    `run \`kafka-configs.sh --alter --topic ${name} --add-config ${config}\``;
  return [
    ...(cleanupPolicy.includes('compact')
      ? [
          failed(
            'Kafka: dead letters stay',
            `"${name}" is compacted, which deletes all but the latest dead letter with the same key`,
            set('cleanup.policy=delete'),
          ),
        ]
      : []),
    maxBytes < needed
      ? warning(
          SIZE_CHECK,
          `"${name}" accepts messages of up to ${maxBytes} bytes, "${source.name}" of up to ${source.maxBytes}: dead letters that do not fit are written without their value`,
          set(`max.message.bytes=${needed}`),
        )
      : ok(SIZE_CHECK, `"${name}" accepts messages of up to ${maxBytes} bytes`),
  ];
}
