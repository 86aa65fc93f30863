import { errorChain, errorTypeOf } from './kafka-errors.ts';

/** A right by the names of Kafka's access control lists. */
export interface KafkaRight {
  readonly operation:
    'READ' | 'WRITE' | 'CREATE' | 'DESCRIBE' | 'DESCRIBE_CONFIGS' | 'IDEMPOTENT_WRITE';
  readonly resource: 'topic' | 'group' | 'transactional-id' | 'cluster';
  readonly name: string;
  /** For every resource whose name begins with `name`. */
  readonly isPrefix?: boolean;
}

/**
 * The broker denies a right that is known: one of these, where a request needs several on resources of
 * one kind, since the answer does not say on which. Part of the message of an OperatorError.
 */
export class MissingRightError extends Error {
  override readonly name = 'MissingRightError';
  readonly rights: readonly KafkaRight[];

  constructor(rights: readonly KafkaRight[], options?: ErrorOptions) {
    super(`the right ${rightsText(rights)} is missing`, options);
    this.rights = rights;
  }
}

/** What a broker answers when a right on such a resource is missing. */
const RESOURCES: Readonly<Record<string, KafkaRight['resource']>> = {
  TOPIC_AUTHORIZATION_FAILED: 'topic',
  GROUP_AUTHORIZATION_FAILED: 'group',
  TRANSACTIONAL_ID_AUTHORIZATION_FAILED: 'transactional-id',
  CLUSTER_AUTHORIZATION_FAILED: 'cluster',
};

/** On what kind of resource a right is missing, if this is why the request failed. */
export const deniedResource = (error: unknown): KafkaRight['resource'] | undefined =>
  RESOURCES[errorTypeOf(error) ?? ''];

/**
 * The error that names the right, where one of these is what was missing; the error as it is otherwise.
 * A broker answers only which kind of resource it was.
 */
export function nameMissingRight(error: unknown, needed: readonly KafkaRight[]): unknown {
  if (errorChain(error).some((one) => one instanceof MissingRightError)) return error;
  const resource = deniedResource(error);
  const rights = needed.filter((one) => one.resource === resource);
  return rights.length > 0 ? new MissingRightError(rights, { cause: error }) : error;
}

/** Runs a request that needs these rights. Throws a MissingRightError when the broker denies one. */
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

/** The command that grants it. */
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
