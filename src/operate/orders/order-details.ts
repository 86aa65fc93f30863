import { status } from '@grpc/grpc-js';
import type { OrderMessage } from '../../contract/message.ts';
import { SOURCE_OFFSET, SOURCE_PARTITION, SOURCE_TOPIC } from '../../contract/workflow-metadata.ts';
import { callWithRetry, hasCode } from '../../temporal/call-with-retry.ts';
import { isExpressible, quoted } from '../../temporal/visibility-query.ts';
import { listRuns } from '../../temporal/order-visibility.ts';
import { type OrderNamespace, withOrders } from './open-orders.ts';
import { orderRun, type OrderRun } from '../../temporal/order-workflow.ts';
import { asPendingAttempt, type PendingAttempt } from './pending-attempt.ts';
import { messageOfStart, runStart } from '../../temporal/run-start.ts';
import type { Environment } from '../../config/read-settings.ts';
import { createOrderIdFilter } from '../../order/order-id-filter.ts';
import { identify } from '../../order/identify.ts';
import type { FoundDeadLetter } from '../dead-letters/open-dead-letters.ts';
import type { DeadLetterFilter, StoredDeadLetter } from '../dead-letters/stored-dead-letter.ts';
import { describeError, OperatorError } from '../../program/operator-error.ts';
import { readStoredOrder, type StoredOrder } from '../../order/sql/find-orders.ts';
import { withStoredOrders } from './stored-orders.ts';

/** All that Temporal knows of one order. */
export interface OrderStory {
  /** The newest first. */
  readonly runs: readonly OrderRun[];
  /** What the newest run was started with. */
  readonly message: OrderMessage | undefined;
  readonly pending: readonly PendingAttempt[];
}

/** Undefined when Temporal does not know the order, or no longer. */
export async function orderStory(
  place: OrderNamespace,
  orderId: string,
): Promise<OrderStory | undefined> {
  const { client, workflowIdPrefix } = place;
  const { namespace } = client.options;
  const execution = { workflowId: `${workflowIdPrefix}${orderId}` };
  try {
    const { workflowExecutionInfo: info, pendingActivities } = await callWithRetry(client, () =>
      client.workflowService.describeWorkflowExecution({ namespace, execution }),
    );
    if (!info) return undefined;
    const latest = orderRun(info, workflowIdPrefix);
    const [runs, message] = await Promise.all([
      allRuns(place, latest),
      startMessage(place, latest),
    ]);
    return { runs, message, pending: pendingActivities.map(asPendingAttempt) };
  } catch (error) {
    if (hasCode(error, status.NOT_FOUND)) return undefined;
    throw error;
  }
}

/** All runs of the order, the newest first. The latest is not in the list before visibility has it. */
async function allRuns(place: OrderNamespace, latest: OrderRun): Promise<readonly OrderRun[]> {
  const runs = [latest];
  const query = queryForRuns(latest);
  if (query === undefined) return runs;
  for await (const page of listRuns(place, query)) {
    runs.push(
      ...page.filter(
        ({ workflowId, runId }) => workflowId === latest.workflowId && runId !== latest.runId,
      ),
    );
  }
  return runs.sort((a, b) => b.startedAt - a.startedAt);
}

/**
 * Finds all runs, and others, too, which the caller filters out. A workflow ID that a query cannot
 * express is found by where its message stood in Kafka, which all runs of an order have in common;
 * undefined where that is not known, as somebody else has started the workflow.
 */
function queryForRuns({ workflowId, source }: OrderRun): string | undefined {
  if (isExpressible(workflowId)) return `WorkflowId = ${quoted(workflowId)}`;
  const { topic, partition, offset } = source;
  if (topic === undefined || partition === undefined || offset === undefined) return undefined;
  if (!isExpressible(topic)) return undefined;
  return [
    `${SOURCE_TOPIC.name} = ${quoted(topic)}`,
    `${SOURCE_PARTITION.name} = ${partition}`,
    `${SOURCE_OFFSET.name} = ${offset}`,
  ].join(' AND ');
}

/** Undefined too when the namespace's retention has passed just now. */
async function startMessage(
  { client }: OrderNamespace,
  run: OrderRun,
): Promise<OrderMessage | undefined> {
  try {
    return messageOfStart(await runStart(client, run));
  } catch (error) {
    if (hasCode(error, status.NOT_FOUND)) return undefined;
    throw error;
  }
}

/** What one of the servers says, or why it could not be asked. */
export type Part<Value> =
  { readonly ok: true; readonly value: Value } | { readonly ok: false; readonly error: string };

/** All that is known of one order, wherever it lies; each part as soon as it has been read. */
export interface WholeStory {
  readonly orderId: string;
  readonly temporal: Promise<Part<OrderInTemporal>>;
  readonly stored: Promise<Part<StoredOrder | undefined>>;
  /** Those that have the order ID in their value or as their key. */
  readonly deadLetters: Promise<Part<readonly FoundDeadLetter[]>>;
}

export interface OrderInTemporal {
  /** Undefined when Temporal does not know the order, or no longer. */
  readonly story: OrderStory | undefined;
  /** To the newest run in the UI, if its address is known. */
  readonly link: string | undefined;
}

/**
 * Asks Temporal and Postgres at once, and Kafka when they have answered: loading its client would only
 * delay them. One that does not answer does not hide the others. Any of the dead letters can be about the
 * order, so that all of them are read, or those of `letters`.
 */
export function wholeStory(
  env: Environment,
  orderId: string,
  letters: Pick<DeadLetterFilter, 'since'> = {},
): WholeStory {
  const temporal = part(() => inTemporal(env, orderId));
  const stored = part(() => inDatabase(env, orderId));
  const deadLetters = Promise.all([temporal, stored]).then(() =>
    part(() => inDeadLetters(env, orderId, letters)),
  );
  return { orderId, temporal, stored, deadLetters };
}

async function part<Value>(read: () => Promise<Value>): Promise<Part<Value>> {
  try {
    return { ok: true, value: await read() };
  } catch (error) {
    const remedy = error instanceof OperatorError ? `; fix: ${error.fix}` : '';
    return { ok: false, error: `${describeError(error)}${remedy}` };
  }
}

const inTemporal = (env: Environment, orderId: string): Promise<OrderInTemporal> =>
  withOrders(env, async (orders) => {
    const story = await orderStory(orders, orderId);
    const { ui } = orders.settings.temporal;
    const [run] = story?.runs ?? [];
    const { namespace } = orders.client.options;
    const link =
      run && ui
        ? `${ui.replace(/\/$/, '')}/namespaces/${encodeURIComponent(namespace)}/workflows/${encodeURIComponent(run.workflowId)}/${run.runId}/history`
        : undefined;
    return { story, link };
  });

const inDatabase = (env: Environment, orderId: string): Promise<StoredOrder | undefined> =>
  withStoredOrders(env, async (pool) => {
    const { rows } = await pool.query<StoredOrder>(readStoredOrder(orderId));
    return rows[0];
  });

async function inDeadLetters(
  env: Environment,
  orderId: string,
  letters: Pick<DeadLetterFilter, 'since'>,
): Promise<readonly FoundDeadLetter[]> {
  const { openDeadLetters } = await import('../dead-letters/open-dead-letters.ts');
  const deadLetters = await openDeadLetters(env);
  return deadLetters.find(letters, isAbout(orderId));
}

/** Of letters that have the order ID in their value or as their key. */
export function isAbout(
  orderId: string,
): (letter: Pick<StoredDeadLetter, 'key' | 'value'>) => boolean {
  const mayBeAbout = createOrderIdFilter([orderId]);
  return ({ key, value }) => {
    if (key?.toString() === orderId) return true;
    if (!value || !mayBeAbout(value)) return false;
    const read = identify(value, value.length);
    return read.kind === 'order' && read.orderId === orderId;
  };
}
