import { brokerList, choice, flag, integer, settingGroup, text } from './setting.ts';
import { z } from 'zod';

/** Legal names of a topic, from Kafka's `Topic.java`. */
const topicName = z.string().regex(/^[a-zA-Z0-9._-]{1,249}$/, {
  error: 'expected 1 to 249 of the characters a-z, A-Z, 0-9, ".", "_" and "-"',
});

export const kafkaSettings = settingGroup({
  brokers: {
    name: 'KAFKA_BROKERS',
    schema: brokerList,
    description: 'Brokers to ask first, as `host:port`, with commas between.',
  },
  topic: {
    name: 'KAFKA_TOPIC',
    schema: topicName,
    default: 'orders',
    description: 'The topic that the orders arrive on.',
  },
  deadLetterTopic: {
    name: 'KAFKA_DEAD_LETTER_TOPIC',
    schema: topicName,
    optional: true,
    description: 'Where messages go that cannot become a workflow; `<topic>.dead-letter` if unset.',
  },
  clientId: {
    name: 'KAFKA_CLIENT_ID',
    schema: text,
    default: 'order-ingest',
    description: "The name by which the brokers' logs and quotas know this client.",
  },
  ssl: {
    name: 'KAFKA_SSL',
    schema: flag,
    default: 'false',
    description: 'Whether to encrypt the connections to the brokers.',
  },
  sslCaFile: {
    name: 'KAFKA_SSL_CA_FILE',
    schema: text,
    optional: true,
    description:
      "PEM file of the authority that signed the brokers' certificates; the system's if unset.",
  },
  saslMechanism: {
    name: 'KAFKA_SASL_MECHANISM',
    schema: choice(['plain', 'scram-sha-256', 'scram-sha-512']),
    optional: true,
    description: 'How to log in to the brokers; no login if unset. Needs user name and password.',
  },
  saslUsername: {
    name: 'KAFKA_SASL_USERNAME',
    schema: text,
    optional: true,
    description: 'User name for the login.',
  },
  saslPassword: {
    name: 'KAFKA_SASL_PASSWORD',
    schema: text,
    optional: true,
    secret: true,
    description: 'Password for the login.',
  },
  connectTimeoutMs: {
    name: 'KAFKA_CONNECT_TIMEOUT_MS',
    schema: integer(100, 60_000),
    default: '3000',
    description: 'How long to wait for a connection to one broker.',
  },
});

export const topicSettings = settingGroup({
  partitions: {
    name: 'KAFKA_TOPIC_PARTITIONS',
    schema: integer(1, 10_000),
    default: '6',
    description:
      'Partitions of the topics that `setup` makes. At most this many bridges share the work; a topic that exists keeps its own number.',
  },
  replicationFactor: {
    name: 'KAFKA_TOPIC_REPLICATION_FACTOR',
    schema: integer(-1, 32_767),
    default: '-1',
    description:
      "Copies of each partition of the topics that `setup` makes; -1 is the broker's default. Use 3 in production.",
  },
});
