import type { RetryOptions } from 'kafkajs';
import { OperatorError } from '../program/operator-error.ts';
import { silentLogger } from '../telemetry/logger.ts';
import { createKafkaClient, type KafkaSettings } from './kafka-client.ts';
import { kafkaError } from './kafka-error.ts';
import { rightsMissing, type KafkaPermission } from './missing-permission.ts';
import { fetchAuthorizedOperations, type Authorized } from './patches/authorized-operations.ts';
import { deadLetterTopicOf, requeueMarksTopicOf } from './source-topics.ts';

/** What a program is about. */
export interface PermissionScope extends Pick<KafkaSettings, 'topics' | 'deadLetterTopic'> {
  readonly groupId: string;
}

/** The programs that use Kafka, in the order of the table in docs/security.md. */
export const KAFKA_PROGRAMS = [
  'bridge',
  'lag, top',
  'doctor',
  'produce',
  'dead-letters list, dead-letters show',
  'dead-letters requeue',
  'reconcile, orders show',
  'replay, orders rerun of an expired order',
  'setup --only kafka',
] as const;
export type KafkaProgram = (typeof KAFKA_PROGRAMS)[number];

/**
 * The permissions that a program needs, and no others. READ and WRITE include DESCRIBE.
 * docs/security.md lists them; a test compares the two.
 */
export function permissionsOf(
  program: KafkaProgram,
  scope: PermissionScope,
): readonly KafkaPermission[] {
  const { topics, groupId } = scope;
  const deadLetterTopics = [...new Set(topics.map((topic) => deadLetterTopicOf(scope, topic)))];
  const marksTopics = deadLetterTopics.map(requeueMarksTopicOf);
  const on = (operation: KafkaPermission['operation'], ...names: readonly string[]) =>
    names.map((name): KafkaPermission => ({ operation, resource: 'topic', name }));
  const group = (operation: 'READ' | 'DESCRIBE'): KafkaPermission => ({
    operation,
    resource: 'group',
    name: groupId,
  });
  const readers: KafkaPermission = {
    operation: 'READ',
    resource: 'group',
    name: `${groupId}.reader-`,
    isPrefix: true,
  };
  const readDeadLetters = [...on('READ', ...topics, ...deadLetterTopics, ...marksTopics), readers];
  const lag = [...on('DESCRIBE', ...topics, ...deadLetterTopics), group('DESCRIBE')];
  switch (program) {
    case 'bridge':
      return [...on('READ', ...topics), ...on('WRITE', ...deadLetterTopics), group('READ')];
    case 'lag, top':
      return lag;
    case 'doctor':
      return [
        ...lag,
        ...on('DESCRIBE_CONFIGS', ...topics, ...deadLetterTopics),
        ...on('DESCRIBE', ...marksTopics),
      ];
    case 'produce':
      return on('WRITE', ...topics);
    case 'dead-letters list, dead-letters show':
      return readDeadLetters;
    case 'dead-letters requeue':
      return [
        ...readDeadLetters,
        ...on('DESCRIBE_CONFIGS', ...topics),
        ...on('WRITE', ...topics, ...marksTopics),
        ...deadLetterTopics.map((name): KafkaPermission => ({
          operation: 'WRITE',
          resource: 'transactional-id',
          name: `${name}.replay`,
        })),
      ];
    case 'reconcile, orders show':
      return [...readDeadLetters, group('DESCRIBE')];
    case 'replay, orders rerun of an expired order':
      return [...readDeadLetters, group('DESCRIBE'), ...on('WRITE', ...deadLetterTopics)];
    case 'setup --only kafka':
      return (['CREATE', 'DESCRIBE', 'DESCRIBE_CONFIGS'] as const).flatMap((operation) =>
        on(operation, ...topics, ...deadLetterTopics, ...marksTopics),
      );
    default:
      return program satisfies never;
  }
}

/** Kafka's numbers of the operations, by which the bits are ordered (`AclOperation`). */
const OPERATION_BITS: Partial<Record<KafkaPermission['operation'], number>> = {
  READ: 3,
  WRITE: 4,
  DESCRIBE: 8,
  DESCRIBE_CONFIGS: 10,
  // CREATE may be granted on the cluster as well, and IDEMPOTENT_WRITE follows from WRITE on any topic.
};

const FAIL_FAST: RetryOptions = { initialRetryTime: 200, maxRetryTime: 1000, retries: 2 };

/** Which of the permissions the user lacks, as far as the broker says. Throws an OperatorError. */
export async function lackingPermissions(
  settings: KafkaSettings,
  permissions: readonly KafkaPermission[],
): Promise<readonly KafkaPermission[]> {
  const names = (resource: KafkaPermission['resource']) => [
    ...new Set(permissions.filter((one) => one.resource === resource).map(askedName)),
  ];
  try {
    const kafka = createKafkaClient(settings, silentLogger(), FAIL_FAST);
    const found = await fetchAuthorizedOperations(kafka, {
      topics: names('topic'),
      groups: names('group'),
      transactionalIds: names('transactional-id'),
    });
    const byResource = {
      topic: found.topics,
      group: found.groups,
      'transactional-id': found.transactionalIds,
      cluster: new Map<string, Authorized>(),
    };
    return permissions.filter((one) =>
      isLacking(one, byResource[one.resource].get(askedName(one)) ?? 'unknown'),
    );
  } catch (error) {
    throw kafkaError(settings, error);
  }
}

/** Stands for every resource with the prefix. */
const askedName = ({ name, isPrefix }: KafkaPermission): string => (isPrefix ? `${name}0` : name);

function isLacking({ operation }: KafkaPermission, authorized: Authorized): boolean {
  const bit = OPERATION_BITS[operation];
  if (bit === undefined || authorized === 'unknown') return false;
  return authorized === 'denied' || (authorized & (1 << bit)) === 0;
}

/** Throws an OperatorError that names every permission that the program lacks. */
export async function requirePermissions(
  settings: KafkaSettings,
  permissions: readonly KafkaPermission[],
): Promise<void> {
  const lacking = await lackingPermissions(settings, permissions);
  if (lacking.length === 0) return;
  const { message, fix } = rightsMissing(settings, lacking);
  throw new OperatorError('KAFKA_RIGHT_MISSING', message, fix);
}
