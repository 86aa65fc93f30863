import type { ErrorCode } from '../program/error-codes.ts';
import { describeError, OperatorError } from '../program/operator-error.ts';
import { connectionFailure, isRejectedConnection } from './connection/connection-failure.ts';
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

  // A file or a token that was needed for a connection. kafkajs wraps it in errors of its own.
  const ours = errorChain(error).find((one) => one instanceof OperatorError);
  if (ours) return ours;
  const connection = connectionFailure(settings, error);
  if (connection) {
    return failed(
      connection.code,
      `No connection to ${kafka} can be opened: ${connection.reason}`,
      connection.fix,
    );
  }

  const permissions = findMissingPermissions(error);
  if (permissions.length > 0) {
    return failed(
      'KAFKA_RIGHT_MISSING',
      `${kafka} denies ${user} the permission ${permissionsText(permissions)}`,
      `grant it: ${permissions.map((permission) => grantCommand(permission, { brokers, user: saslUsername })).join(' and ')}; the table "Permissions in Kafka" in docs/security.md lists the permissions that each program needs`,
    );
  }
  const denied = deniedResource(error);
  if (denied) {
    return failed(
      'KAFKA_RIGHT_MISSING',
      `${kafka} denies ${user} a permission on a ${RESOURCE_NAMES[denied]}: ${reason}`,
      'compare its permissions (`kafka-acls --list`) with the table "Permissions in Kafka" in docs/security.md',
    );
  }
  if (isLoginFailure(error)) {
    return failed(
      'KAFKA_LOGIN_REJECTED',
      `${kafka} rejects the login of ${user}${saslMechanism ? ` with ${saslMechanism}` : ''}: ${reason}`,
      isMechanismRefused(error)
        ? 'use a mechanism that the broker enables on this port (sasl.enabled.mechanisms) in KAFKA_SASL_MECHANISM, or another port in KAFKA_BROKERS; a port without SASL needs no mechanism'
        : loginFix(settings),
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

/** Whether the broker would reject every login of this kind. */
const isMechanismRefused = (error: unknown): boolean =>
  ['UNSUPPORTED_SASL_MECHANISM', 'ILLEGAL_SASL_STATE'].includes(errorTypeOf(error) ?? '');

/** What a login depends on. */
function loginFix({ saslMechanism }: KafkaSettings): string {
  switch (saslMechanism) {
    case 'oauthbearer':
      return 'check that the token is for this cluster (audience, scope, issuer) and has not expired, and KAFKA_SASL_OAUTHBEARER_EXTENSIONS';
    case 'aws-msk-iam':
      return "check KAFKA_SASL_AWS_REGION, the AWS credentials of the process, and that the cluster's policy allows kafka-cluster:Connect";
    case 'plain':
    case 'scram-sha-256':
    case 'scram-sha-512':
    case undefined:
      return 'correct KAFKA_SASL_MECHANISM, KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD';
    default:
      return saslMechanism satisfies never;
  }
}

/** Whether the error comes from kafkajs, or is a missing permission: one that `kafkaError` explains. */
export const isKafkaError = (error: unknown): boolean =>
  error instanceof MissingPermissionError ||
  (error instanceof Error && error.name.startsWith('KafkaJS'));

/** Whether the broker rejects this client, or the client has no valid credentials at the moment. */
export const isRejected = (error: unknown): boolean =>
  isLoginFailure(error) || isRejectedConnection(error) || deniedResource(error) !== undefined;

/** Whether the cause is one that an operator has to fix, such as a missing permission or a rejected login. */
export const isExplained = (error: unknown): boolean =>
  isRejected(error) ||
  findMissingPermissions(error).length > 0 ||
  isWithoutCoordinator(error) ||
  errorTypeOf(error) === 'INCONSISTENT_GROUP_PROTOCOL';
