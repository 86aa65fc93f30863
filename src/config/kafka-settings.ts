import { brokerList, choice, flag, integer, settingGroup, text, type Values } from './setting.ts';
import { z } from 'zod';

/** The topic names that Kafka allows (`Topic.java`). */
const topicName = z.string().regex(/^[a-zA-Z0-9._-]{1,249}$/, {
  error: 'expected 1 to 249 of the characters a-z, A-Z, 0-9, ".", "_" and "-"',
});

/** `orders-eu, orders-us` */
const topicList = z
  .string()
  .transform((value) => value.split(',').map((name) => name.trim()))
  .superRefine((names, context) => {
    const mistake = topicListMistake(names);
    if (mistake !== undefined) context.addIssue({ code: 'custom', message: mistake });
  });

const derivedName = (topic: string): string => `${topic}.dead-letter`;

function topicListMistake(names: readonly string[]): string | undefined {
  if (names.length > 1 && names.includes('')) {
    return 'expected the names of topics, separated by single commas; one of them is empty';
  }
  for (const name of names) {
    const checked = topicName.safeParse(name);
    if (!checked.success) return checked.error.issues[0]?.message;
  }
  const repeated = names.find((name, index) => names.indexOf(name) !== index);
  if (repeated !== undefined) return `expected each topic once; "${repeated}" is repeated`;
  const source = names.find((name) => names.includes(derivedName(name)));
  return source === undefined
    ? undefined
    : `"${derivedName(source)}" is the dead-letter topic of "${source}"; it cannot be a topic of orders`;
}

export const kafkaSettings = settingGroup({
  brokers: {
    name: 'KAFKA_BROKERS',
    schema: brokerList,
    description: 'Bootstrap brokers as `host:port`, separated by commas.',
  },
  topics: {
    name: 'KAFKA_TOPIC',
    schema: topicList,
    default: 'orders',
    description:
      'The topic of the orders, or several separated by commas. All bridges of a group must read the same topics. The same order ID on two topics is the same order: a duplicate, or a conflict if the content differs.',
  },
  deadLetterTopic: {
    name: 'KAFKA_DEAD_LETTER_TOPIC',
    schema: topicName,
    optional: true,
    unsetMeans: '`<topic>.dead-letter` for each topic',
    description:
      'The topic for messages for which no workflow can be started. If it is set, all topics of `KAFKA_TOPIC` share it. It cannot be one of them.',
  },
  clientId: {
    name: 'KAFKA_CLIENT_ID',
    schema: text,
    default: 'order-ingest',
    description: 'Name of this client in the logs and quotas of the brokers.',
  },
  ssl: {
    name: 'KAFKA_SSL',
    schema: flag,
    default: 'false',
    description: 'Whether to use TLS for the connections to the brokers.',
  },
  sslCaFile: {
    name: 'KAFKA_SSL_CA_FILE',
    schema: text,
    optional: true,
    unsetMeans: 'those of Node.js',
    description:
      'PEM file of the certificate authorities that sign the certificates of the brokers. By default, the authorities that Node.js trusts, which `NODE_EXTRA_CA_CERTS` extends.',
  },
  saslMechanism: {
    name: 'KAFKA_SASL_MECHANISM',
    schema: choice(['plain', 'scram-sha-256', 'scram-sha-512']),
    optional: true,
    description:
      'SASL mechanism for authentication, which needs a user name and a password. If unset, the client does not authenticate.',
  },
  saslUsername: {
    name: 'KAFKA_SASL_USERNAME',
    schema: text,
    optional: true,
    description: 'User name for SASL.',
  },
  saslPassword: {
    name: 'KAFKA_SASL_PASSWORD',
    schema: text,
    optional: true,
    secret: true,
    description: 'Password for SASL.',
  },
  connectTimeoutMs: {
    name: 'KAFKA_CONNECT_TIMEOUT_MS',
    schema: integer(100, 60_000),
    default: '3000',
    description: 'How long to wait for a connection to one broker.',
  },
});

/**
 * Mistakes in the names of topics that are valid by themselves. Those that are not are undefined. A bridge that
 * reads its own dead letters would make each of them a dead letter again, indefinitely.
 */
export function topicMistakes({
  topics = [],
  deadLetterTopic,
}: Partial<Values<typeof kafkaSettings>>): readonly string[] {
  if (deadLetterTopic !== undefined && topics.includes(deadLetterTopic)) {
    return [
      `KAFKA_DEAD_LETTER_TOPIC is "${deadLetterTopic}", which KAFKA_TOPIC lists as a topic of orders`,
    ];
  }
  const deadLetterTopics =
    deadLetterTopic === undefined ? topics.map(derivedName) : [deadLetterTopic];
  return deadLetterTopics
    .filter((name) => topics.includes(`${name}.replayed`))
    .map(
      (name) =>
        `KAFKA_TOPIC lists "${name}.replayed", which holds the marks of the dead-letter topic "${name}"; it cannot be a topic of orders`,
    );
}

export const topicSettings = settingGroup({
  partitions: {
    name: 'KAFKA_TOPIC_PARTITIONS',
    schema: integer(1, 10_000),
    default: '6',
    description:
      'Number of partitions of each topic that `setup` creates. The maximum number of bridges that share the work is the number of partitions of all topics in `KAFKA_TOPIC`. Existing topics are not changed.',
  },
  replicationFactor: {
    name: 'KAFKA_TOPIC_REPLICATION_FACTOR',
    schema: integer(-1, 32_767),
    default: '-1',
    description:
      'Replication factor of the topics that `setup` creates; -1 uses the default of the broker. Use 3 in production.',
  },
});
