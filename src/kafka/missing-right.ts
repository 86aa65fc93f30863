import { errorChain, errorTypeOf } from './kafkajs-errors.ts';

/** A right, in the terms of Kafka's access control lists (ACLs). */
export interface KafkaRight {
  readonly operation:
    'READ' | 'WRITE' | 'CREATE' | 'DESCRIBE' | 'DESCRIBE_CONFIGS' | 'IDEMPOTENT_WRITE';
  readonly resource: 'topic' | 'group' | 'transactional-id' | 'cluster';
  readonly name: string;
  /** The right is needed on every resource whose name begins with `name`. */
  readonly isPrefix?: boolean;
}

/**
 * The broker denied a request for want of a right. A broker's answer names only the kind of resource: where
 * the request needs rights on several resources of that kind, one of `rights` is missing.
 */
export class MissingRightError extends Error {
  override readonly name = 'MissingRightError';
  readonly rights: readonly KafkaRight[];

  constructor(rights: readonly KafkaRight[], options?: ErrorOptions) {
    super(`the right ${rightsText(rights)} is missing`, options);
    this.rights = rights;
  }
}

/** The error codes of a broker that denies a right, by kind of resource. */
const DENIALS: Readonly<Record<string, KafkaRight['resource']>> = {
  TOPIC_AUTHORIZATION_FAILED: 'topic',
  GROUP_AUTHORIZATION_FAILED: 'group',
  TRANSACTIONAL_ID_AUTHORIZATION_FAILED: 'transactional-id',
  CLUSTER_AUTHORIZATION_FAILED: 'cluster',
};

/** The kind of resource on which a right is missing; undefined when the request failed for another reason. */
export const deniedResource = (error: unknown): KafkaRight['resource'] | undefined =>
  DENIALS[errorTypeOf(error) ?? ''];

/** A MissingRightError when the broker denied one of the needed rights; otherwise the error unchanged. */
export function nameMissingRight(error: unknown, needed: readonly KafkaRight[]): unknown {
  if (errorChain(error).some((one) => one instanceof MissingRightError)) return error;
  const resource = deniedResource(error);
  const rights = needed.filter((one) => one.resource === resource);
  return rights.length > 0 ? new MissingRightError(rights, { cause: error }) : error;
}

/** Runs a request that needs these rights. Throws a MissingRightError when the broker denies one of them. */
export async function withRequiredRights<Result>(
  rights: readonly KafkaRight[],
  request: () => Promise<Result>,
): Promise<Result> {
  try {
    return await request();
  } catch (error) {
    throw nameMissingRight(error, rights);
  }
}

export const findMissingRights = (error: unknown): readonly KafkaRight[] =>
  errorChain(error).find((one) => one instanceof MissingRightError)?.rights ?? [];

/** Such as `WRITE on topic "a" or WRITE on topic "b"`. */
export const rightsText = (rights: readonly KafkaRight[]): string =>
  rights.map(rightText).join(' or ');

/** Such as `READ on group "storage_loader"`. */
function rightText({ operation, resource, name, isPrefix }: KafkaRight): string {
  if (resource === 'cluster') return `${operation} on the cluster`;
  const kind = { topic: 'topic', group: 'consumer group', 'transactional-id': 'transactional ID' };
  return `${operation} on ${kind[resource]} "${name}${isPrefix ? '*' : ''}"`;
}

/** The command that grants the right. */
export function grantCommand(
  { operation, resource, name, isPrefix }: KafkaRight,
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

const CLI_OPERATIONS: Readonly<Record<KafkaRight['operation'], string>> = {
  READ: 'Read',
  WRITE: 'Write',
  CREATE: 'Create',
  DESCRIBE: 'Describe',
  DESCRIBE_CONFIGS: 'DescribeConfigs',
  IDEMPOTENT_WRITE: 'IdempotentWrite',
};
