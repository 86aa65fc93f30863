import type { ErrorCode } from '../program/error-codes.ts';
import { describeError, OperatorError } from '../program/operator-error.ts';
import type { KafkaSettings } from './kafka-client.ts';
import {
  errorChain,
  errorTypeOf,
  isLoginFailure,
  isOneBrokerUnreachable,
  isWithoutCoordinator,
} from './kafkajs-errors.ts';
import {
  deniedResource,
  findMissingPermissions,
  grantCommand,
  MissingPermissionError,
  permissionsText,
} from './missing-permission.ts';
import { PartitionOfflineError } from './producer.ts';
import { OFFLINE_FIX } from './topic-partitions.ts';

const RESOURCE_NAMES = {
  topic: 'topic',
  group: 'consumer group',
  'transactional-id': 'transactional ID',
  cluster: 'cluster',
} as const;

/** Turns the error of a failed request to Kafka into one that says what is wrong and how to fix it. */
export function kafkaError(settings: KafkaSettings, error: unknown): OperatorError {
  const { brokers, saslUsername, saslMechanism } = settings;
  const kafka = `Kafka at ${brokers.join(',')}`;
  const reason = describeError(error);
  const failed = (code: ErrorCode, message: string, fix: string) =>
    new OperatorError(code, message, fix, { cause: error });
  const user = saslUsername === undefined ? 'this client' : `user "${saslUsername}"`;

  const permissions = findMissingPermissions(error);
  if (permissions.length > 0) {
    return failed(
      'KAFKA_RIGHT_MISSING',
      `${kafka} denies ${user} the permission ${permissionsText(permissions)}`,
      `grant it: ${permissions.map((permission) => grantCommand(permission, { brokers, user: saslUsername })).join(' and ')}; the table "Permissions in Kafka" in docs/runbook.md lists the permissions that each program needs`,
    );
  }
  const denied = deniedResource(error);
  if (denied) {
    return failed(
      'KAFKA_RIGHT_MISSING',
      `${kafka} denies ${user} a permission on a ${RESOURCE_NAMES[denied]}: ${reason}`,
      'compare its permissions (`kafka-acls --list`) with the table "Permissions in Kafka" in docs/runbook.md',
    );
  }
  if (isLoginFailure(error)) {
    return failed(
      'KAFKA_LOGIN_REJECTED',
      `${kafka} rejects the login of ${user}${saslMechanism ? ` with ${saslMechanism}` : ''}: ${reason}`,
      'correct KAFKA_SASL_MECHANISM, KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD',
    );
  }
  if (isWithoutCoordinator(error)) {
    return failed(
      'KAFKA_COORDINATOR_UNAVAILABLE',
      `${kafka} has no coordinator for the consumer group yet: ${reason}`,
      'on a new cluster, which is still creating __consumer_offsets, try again in a minute; otherwise check that at least offsets.topic.replication.factor brokers are running and that __consumer_offsets is online',
    );
  }
  if (errorTypeOf(error) === 'INCONSISTENT_GROUP_PROTOCOL') {
    return failed(
      'KAFKA_GROUP_INCOMPATIBLE',
      `${kafka} does not let the bridge join the consumer group, whose members are other kinds of consumers: ${reason}`,
      'give the bridges their own KAFKA_GROUP_ID, or stop the other members',
    );
  }
  if (errorChain(error).some((one) => one instanceof PartitionOfflineError)) {
    return failed(
      'KAFKA_PARTITION_OFFLINE',
      `${kafka} cannot accept the messages: ${reason}`,
      OFFLINE_FIX,
    );
  }
  if (errorTypeOf(error) === 'LEADER_NOT_AVAILABLE') {
    return failed(
      'KAFKA_PARTITION_OFFLINE',
      `${kafka} has offline partitions in the topic: ${reason}`,
      OFFLINE_FIX,
    );
  }
  if (isOneBrokerUnreachable(error)) {
    return failed(
      'KAFKA_BROKER_UNREACHABLE',
      `One broker of ${kafka} cannot be reached, although others can: ${reason}`,
      'start that broker, and check that this machine can connect to the address that it advertises; with more than one replica, other brokers take over what it led within seconds',
    );
  }
  return errorTypeOf(error) === undefined
    ? failed(
        'KAFKA_UNREACHABLE',
        `${kafka} cannot be reached: ${reason}`,
        'check KAFKA_BROKERS and that the broker is running',
      )
    : failed(
        'KAFKA_REQUEST_REFUSED',
        `${kafka} rejected the request: ${reason}`,
        "correct the setting that it names, or the user's permissions at the broker",
      );
}

/** Whether the error comes from kafkajs, or is a missing permission: one that `kafkaError` explains. */
export const isKafkaError = (error: unknown): boolean =>
  error instanceof MissingPermissionError ||
  (error instanceof Error && error.name.startsWith('KafkaJS'));

/** Whether the cause is one that an operator has to fix, such as a missing permission or a rejected login. */
export const isExplained = (error: unknown): boolean =>
  deniedResource(error) !== undefined ||
  findMissingPermissions(error).length > 0 ||
  isLoginFailure(error) ||
  isWithoutCoordinator(error) ||
  errorTypeOf(error) === 'INCONSISTENT_GROUP_PROTOCOL';
