import type { KafkaSettings } from './kafka-client.ts';
import { errorChain, errorTypeOf } from './kafkajs-errors.ts';

/** A permission, in the terms of Kafka's access control lists (ACLs). */
export interface KafkaPermission {
  readonly operation:
    'READ' | 'WRITE' | 'CREATE' | 'DESCRIBE' | 'DESCRIBE_CONFIGS' | 'IDEMPOTENT_WRITE';
  readonly resource: 'topic' | 'group' | 'transactional-id' | 'cluster';
  readonly name: string;
  /** The permission is needed on every resource whose name begins with `name`. */
  readonly isPrefix?: boolean;
}

/**
 * The broker denied a request for want of a permission. A broker's answer names only the kind of resource: where
 * the request needs permissions on several resources of that kind, one of `permissions` is missing.
 */
export class MissingPermissionError extends Error {
  override readonly name = 'MissingPermissionError';
  readonly permissions: readonly KafkaPermission[];

  constructor(permissions: readonly KafkaPermission[], options?: ErrorOptions) {
    super(`the permission ${permissionsText(permissions)} is missing`, options);
    this.permissions = permissions;
  }
}

/** The error codes of a broker that denies a permission, by kind of resource. */
const DENIALS: Readonly<Record<string, KafkaPermission['resource']>> = {
  TOPIC_AUTHORIZATION_FAILED: 'topic',
  GROUP_AUTHORIZATION_FAILED: 'group',
  TRANSACTIONAL_ID_AUTHORIZATION_FAILED: 'transactional-id',
  CLUSTER_AUTHORIZATION_FAILED: 'cluster',
};

/** The kind of resource on which a permission is missing; undefined when the request failed for another reason. */
export const deniedResource = (error: unknown): KafkaPermission['resource'] | undefined =>
  DENIALS[errorTypeOf(error) ?? ''];

/** A MissingPermissionError when the broker denied one of the needed permissions; otherwise the error unchanged. */
export function nameMissingPermission(error: unknown, needed: readonly KafkaPermission[]): unknown {
  if (errorChain(error).some((one) => one instanceof MissingPermissionError)) return error;
  const resource = deniedResource(error);
  const permissions = needed.filter((one) => one.resource === resource);
  return permissions.length > 0 ? new MissingPermissionError(permissions, { cause: error }) : error;
}

/** Runs a request that needs these permissions. Throws a MissingPermissionError when the broker denies one of them. */
export async function withRequiredPermissions<Result>(
  permissions: readonly KafkaPermission[],
  request: () => Promise<Result>,
): Promise<Result> {
  try {
    return await request();
  } catch (error) {
    throw nameMissingPermission(error, permissions);
  }
}

export const findMissingPermissions = (error: unknown): readonly KafkaPermission[] =>
  errorChain(error).find((one) => one instanceof MissingPermissionError)?.permissions ?? [];

/** Such as `WRITE on topic "a" or WRITE on topic "b"`. */
export const permissionsText = (permissions: readonly KafkaPermission[]): string =>
  permissions.map(permissionText).join(' or ');

/** Such as `READ on group "storage_loader"`. */
export function permissionText({ operation, resource, name, isPrefix }: KafkaPermission): string {
  if (resource === 'cluster') return `${operation} on the cluster`;
  const kind = { topic: 'topic', group: 'consumer group', 'transactional-id': 'transactional ID' };
  return `${operation} on ${kind[resource]} "${name}${isPrefix ? '*' : ''}"`;
}

/** What to tell an operator about permissions that are all missing. */
export function rightsMissing(
  { brokers, saslUsername: user }: Pick<KafkaSettings, 'brokers' | 'saslUsername'>,
  missing: readonly KafkaPermission[],
): { readonly message: string; readonly fix: string } {
  const permissions = missing.length === 1 ? 'the permission' : 'the permissions';
  const commands = missing.map((one) => grantCommand(one, { brokers, user }));
  return {
    message: `Kafka at ${brokers.join(',')} denies ${user === undefined ? 'this client' : `user "${user}"`} ${permissions} ${missing.map(permissionText).join(' and ')}`,
    fix: `grant ${missing.length === 1 ? 'it' : 'them'}: ${commands.join(' && ')}; the table "Permissions in Kafka" in docs/security.md lists the permissions that each program needs`,
  };
}

/** The command that grants the permission. */
export function grantCommand(
  { operation, resource, name, isPrefix }: KafkaPermission,
  { brokers, user }: { readonly brokers: readonly string[]; readonly user: string | undefined },
): string {
  return [
    `kafka-acls --bootstrap-server ${brokers.join(',')} --add`,
    `--allow-principal User:${user ?? 'NAME'}`,
    `--operation ${CLI_OPERATIONS[operation]}`,
    resource === 'cluster' ? '--cluster' : `--${resource} '${name}'`,
    ...(isPrefix ? ['--resource-pattern-type prefixed'] : []),
  ].join(' ');
}

const CLI_OPERATIONS: Readonly<Record<KafkaPermission['operation'], string>> = {
  READ: 'Read',
  WRITE: 'Write',
  CREATE: 'Create',
  DESCRIBE: 'Describe',
  DESCRIBE_CONFIGS: 'DescribeConfigs',
  IDEMPOTENT_WRITE: 'IdempotentWrite',
};
