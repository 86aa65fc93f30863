/** kafkajs wraps errors in others, but never this deep. */
const MAX_DEPTH = 8;

/** The error itself, its causes, and the parts of an aggregate; the outermost first. */
export function errorChain(error: unknown, depth = MAX_DEPTH): readonly Error[] {
  if (!(error instanceof Error) || depth === 0) return [];
  const parts: readonly unknown[] =
    'errors' in error && Array.isArray(error.errors) ? error.errors : [];
  return [error, ...[error.cause, ...parts].flatMap((inner) => errorChain(inner, depth - 1))];
}

/**
 * The name of the error code that the broker answered with, such as `GROUP_AUTHORIZATION_FAILED`, even
 * where kafkajs has wrapped it in an error of its own. Undefined when the error is not a broker's answer.
 */
export function errorTypeOf(error: unknown): string | undefined {
  for (const one of errorChain(error)) {
    if ('type' in one && typeof one.type === 'string') return one.type;
  }
  return undefined;
}

/**
 * What brokers answer while the cluster elects a controller, creates `__consumer_offsets`, loads a group,
 * or has not yet propagated a new topic to every broker.
 */
const STARTING: ReadonlySet<string | undefined> = new Set([
  'NOT_CONTROLLER',
  'GROUP_COORDINATOR_NOT_AVAILABLE',
  'NOT_COORDINATOR_FOR_GROUP',
  'GROUP_LOAD_IN_PROGRESS',
  'LEADER_NOT_AVAILABLE',
  'NOT_LEADER_FOR_PARTITION',
  'UNKNOWN_TOPIC_OR_PARTITION',
]);

/** Whether the request may succeed once the cluster has started. */
export const isStarting = (error: unknown): boolean =>
  STARTING.has(errorTypeOf(error)) ||
  errorChain(error).some(({ name }) =>
    ['KafkaJSGroupCoordinatorNotFound', 'KafkaJSBrokerNotFound'].includes(name),
  );

/** Errors of connections to one broker, made while another broker of the cluster was connected. */
const oneBrokerErrors = new WeakSet<Error>();

/** Records that the error concerns a single broker of a cluster that can be reached otherwise. */
export const concernsOneBroker = (error: Error): void => void oneBrokerErrors.add(error);

/**
 * Whether the request failed because the one broker that it needs, such as a leader or a coordinator, cannot
 * be reached while others can. For as long as a failed broker is not fenced, the cluster still names it.
 */
export const isOneBrokerUnreachable = (error: unknown): boolean =>
  errorChain(error).some((one) => oneBrokerErrors.has(one));

/** Whether kafkajs could not connect to a broker, or has got no answer from it. */
export const isUnreachable = (error: unknown): boolean =>
  errorChain(error).some(({ name }) => UNREACHABLE.test(name));

const UNREACHABLE = /^KafkaJS(Connection|RequestTimeout|LockTimeout)/;

const WITHOUT_COORDINATOR: ReadonlySet<string | undefined> = new Set([
  'GROUP_COORDINATOR_NOT_AVAILABLE',
  'NOT_COORDINATOR_FOR_GROUP',
  'GROUP_LOAD_IN_PROGRESS',
]);

/** Whether the request failed because the consumer group has no coordinator. */
export const isWithoutCoordinator = (error: unknown): boolean =>
  WITHOUT_COORDINATOR.has(errorTypeOf(error)) ||
  errorChain(error).some(({ name }) => name === 'KafkaJSGroupCoordinatorNotFound');

const LOGIN_FAILURES: ReadonlySet<string | undefined> = new Set([
  'SASL_AUTHENTICATION_FAILED',
  'UNSUPPORTED_SASL_MECHANISM',
  'ILLEGAL_SASL_STATE',
]);

/** Whether the broker rejected the user name, the password or the SASL mechanism. */
export const isLoginFailure = (error: unknown): boolean =>
  LOGIN_FAILURES.has(errorTypeOf(error)) ||
  errorChain(error).some(({ name }) => name === 'KafkaJSSASLAuthenticationError');
