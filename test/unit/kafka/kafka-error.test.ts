import kafkajs from 'kafkajs';
import { kafkaSettings } from '../../../src/config/kafka-settings.ts';
import { readSettings } from '../../../src/config/read-settings.ts';
import { Secret } from '../../../src/config/secret.ts';
import { kafkaError } from '../../../src/kafka/kafka-error.ts';
import type { KafkaSettings } from '../../../src/kafka/kafka-client.ts';
import { errorTypeOf } from '../../../src/kafka/kafkajs-errors.ts';
import {
  MissingPermissionError,
  withRequiredPermissions,
  type KafkaPermission,
} from '../../../src/kafka/missing-permission.ts';
import { concernsOneBroker } from '../../../src/kafka/kafkajs-errors.ts';
import { explainSendFailure } from '../../../src/kafka/producer.ts';

const settings: KafkaSettings = {
  ...readSettings({ kafka: kafkaSettings }, { KAFKA_BROKERS: 'kafka-1:9092,kafka-2:9092' }).kafka,
  saslMechanism: 'plain',
  saslUsername: 'bridge',
  saslPassword: new Secret(() => 'secret'),
};

/** The error that kafkajs throws for a broker's answer. */
const answer = (type: string, message = 'denied') =>
  new kafkajs.KafkaJSProtocolError(
    Object.assign(new Error(message), { type, code: 1, retriable: false }),
  );

/** For errors whose constructor parameters kafkajs's types leave out. */
const named = (name: string, message: string) => Object.assign(new Error(message), { name });

const READ_TOPIC: KafkaPermission = { operation: 'READ', resource: 'topic', name: 'orders' };
const READ_GROUP: KafkaPermission = {
  operation: 'READ',
  resource: 'group',
  name: 'storage_loader',
};

const explained = async (error: unknown, permissions: readonly KafkaPermission[]) => {
  const failure: unknown = await withRequiredPermissions(permissions, () =>
    Promise.reject(error instanceof Error ? error : new Error('none')),
  ).catch((thrown: unknown) => thrown);
  const { message, fix } = kafkaError(settings, failure);
  return { message, fix };
};

test.each([
  ['TOPIC_AUTHORIZATION_FAILED', READ_TOPIC, 'READ on topic "orders"', "--topic 'orders'"],
  [
    'GROUP_AUTHORIZATION_FAILED',
    READ_GROUP,
    'READ on consumer group "storage_loader"',
    "--group 'storage_loader'",
  ],
  [
    'TRANSACTIONAL_ID_AUTHORIZATION_FAILED',
    { operation: 'WRITE', resource: 'transactional-id', name: 'x.replay' },
    'WRITE on transactional ID "x.replay"',
    "--transactional-id 'x.replay'",
  ],
  [
    'CLUSTER_AUTHORIZATION_FAILED',
    { operation: 'IDEMPOTENT_WRITE', resource: 'cluster', name: 'kafka-cluster' },
    'IDEMPOTENT_WRITE on the cluster',
    '--cluster',
  ],
] as const)(
  '%s names the permission, and the command that grants it',
  async (type, permission, name, option) => {
    const { message, fix } = await explained(answer(type), [permission]);
    expect(message).toBe(
      `Kafka at kafka-1:9092,kafka-2:9092 denies user "bridge" the permission ${name}`,
    );
    expect(fix).toContain(
      'kafka-acls --bootstrap-server kafka-1:9092,kafka-2:9092 --add --allow-principal User:bridge --operation',
    );
    expect(fix).toContain(option);
  },
);

test('a permission on resources with a common name prefix is granted with a prefixed pattern', async () => {
  const permission: KafkaPermission = {
    ...READ_GROUP,
    name: 'storage_loader.reader-',
    isPrefix: true,
  };
  const { message, fix } = await explained(answer('GROUP_AUTHORIZATION_FAILED'), [permission]);
  expect(message).toContain('READ on consumer group "storage_loader.reader-*"');
  expect(fix).toContain("--group 'storage_loader.reader-' --resource-pattern-type prefixed");
});

test('without a login the command leaves the principal to the operator', () => {
  const error = new MissingPermissionError([READ_TOPIC]);
  const { message, fix } = kafkaError({ ...settings, saslUsername: undefined }, error);
  expect(message).toContain('denies this client the permission READ on topic "orders"');
  expect(fix).toContain('--allow-principal User:NAME');
});

test.each([
  [
    'retries',
    (cause: Error) =>
      new kafkajs.KafkaJSNumberOfRetriesExceeded(cause, { retryCount: 5, retryTime: 1 }),
  ],
  [
    'an error that is not retried',
    (cause: Error) => Object.assign(named('KafkaJSNonRetriableError', cause.message), { cause }),
  ],
  ['an aggregate', (cause: Error) => new kafkajs.KafkaJSAggregateError('failed', [cause])],
])('a permission is named even when kafkajs has wrapped the answer in %s', async (_, wrap) => {
  const error = wrap(answer('GROUP_AUTHORIZATION_FAILED'));
  expect(errorTypeOf(error)).toBe('GROUP_AUTHORIZATION_FAILED');
  const { message } = await explained(error, [READ_TOPIC, READ_GROUP]);
  expect(message).toContain('READ on consumer group "storage_loader"');
});

test('a permission that may be missing on several topics is named for each of them', async () => {
  const other: KafkaPermission = { ...READ_TOPIC, name: 'other' };
  const { message, fix } = await explained(answer('TOPIC_AUTHORIZATION_FAILED'), [
    READ_TOPIC,
    READ_GROUP,
    other,
  ]);
  expect(message).toContain('the permission READ on topic "orders" or READ on topic "other"');
  expect(fix).toContain("--topic 'orders' and kafka-acls");
});

test('the innermost request names the permission, not an outer one', async () => {
  const { message } = await explained(new MissingPermissionError([READ_TOPIC]), [
    { ...READ_TOPIC, name: 'another' },
  ]);
  expect(message).toContain('topic "orders"');
});

test('a denied permission that the request did not declare is reported with its kind of resource', async () => {
  const { message, fix } = await explained(answer('GROUP_AUTHORIZATION_FAILED'), [READ_TOPIC]);
  expect(message).toContain('denies user "bridge" a permission on a consumer group: denied');
  expect(fix).toContain('Permissions in Kafka');
});

test('an error that is not a denial is thrown unchanged', async () => {
  const error = answer('UNKNOWN_TOPIC_OR_PARTITION');
  await expect(withRequiredPermissions([READ_TOPIC], () => Promise.reject(error))).rejects.toBe(
    error,
  );
});

test('a rejected login, a missing coordinator and incompatible group members have their own codes', () => {
  const login = named('KafkaJSSASLAuthenticationError', 'wrong password');
  expect(kafkaError(settings, login)).toMatchObject({
    code: 'KAFKA_LOGIN_REJECTED',
    message: expect.stringContaining('user "bridge"'),
  });
  for (const error of [
    answer('NOT_COORDINATOR_FOR_GROUP'),
    answer('GROUP_COORDINATOR_NOT_AVAILABLE'),
    named('KafkaJSGroupCoordinatorNotFound', 'Failed to find group coordinator'),
  ]) {
    expect(kafkaError(settings, error).code).toBe('KAFKA_COORDINATOR_UNAVAILABLE');
  }
  const otherMembers = kafkaError(settings, answer('INCONSISTENT_GROUP_PROTOCOL'));
  expect(otherMembers.code).toBe('KAFKA_GROUP_INCOMPATIBLE');
});

test('any other answer is a rejected request, and no answer an unreachable broker', () => {
  const rejection = kafkaError(settings, answer('INVALID_REPLICATION_FACTOR'));
  expect(rejection.code).toBe('KAFKA_REQUEST_REFUSED');
  const silence = kafkaError(settings, new kafkajs.KafkaJSConnectionError('ECONNREFUSED'));
  expect(silence.code).toBe('KAFKA_UNREACHABLE');
  const refused = new kafkajs.KafkaJSConnectionError('ECONNREFUSED');
  concernsOneBroker(refused);
  const retried = new Error('gave up', { cause: refused });
  expect(kafkaError(settings, retried).code).toBe('KAFKA_BROKER_UNREACHABLE');
});

test('a failed send names the missing permission, or the topic whose partition has no leader', () => {
  expect(
    explainSendFailure(answer('TOPIC_AUTHORIZATION_FAILED'), 'orders.dead-letter'),
  ).toMatchObject({
    message: 'the permission WRITE on topic "orders.dead-letter" is missing',
  });
  const offline = explainSendFailure(
    new kafkajs.KafkaJSNonRetriableError('Broker -1 not found in the cached metadata'),
    'orders',
  );
  expect(offline).toMatchObject({ message: expect.stringContaining('"orders"') });
  expect(kafkaError(settings, offline)).toMatchObject({
    code: 'KAFKA_PARTITION_OFFLINE',
    message: expect.stringContaining('"orders"'),
  });
});
