import { status } from '@grpc/grpc-js';
import { readSettings, type Environment } from '../../config/read-settings.ts';
import { READER_ROLE } from '../../config/roles.ts';
import { valueSettingMistakes } from '../../config/value-settings.ts';
import type { OrderMessage } from '../../contract/message.ts';
import type { OrderDescription } from '../../contract/order-module.ts';
import type { MessageReader } from '../../order-module/message-reader.ts';
import { openMessageReader } from '../../order-module/open-message-reader.ts';
import { answerOf, type Answer } from '../../program/answer.ts';
import { describeError, OperatorError } from '../../program/operator-error.ts';
import { runsOf } from '../../temporal/order-visibility.ts';
import {
  describeOrder,
  type OrderNamespace,
  type OrderRun,
  type PendingActivity,
} from '../../temporal/order-workflow.ts';
import { messageOf, readRunStart } from '../../temporal/run-start.ts';
import { hasCode } from '../../temporal/temporal-error.ts';
import type { FoundDeadLetter } from '../dead-letters/open-dead-letters.ts';
import type { DeadLetter, DeadLetterFilter } from '../dead-letters/dead-letter-topic.ts';
import { withOrders } from './open-orders.ts';
import { withStoredOrders } from './stored-orders.ts';

/** What is known of one order, from each server as soon as it has answered. */
export interface OrderDetails {
  readonly temporal: Promise<Answer<OrderInTemporal>>;
  readonly stored: Promise<Answer<OrderDescription | undefined>>;
  /** The dead letters that have the order ID in their value or as their key. */
  readonly deadLetters: Promise<Answer<readonly FoundDeadLetter[]>>;
}

/** The same once every server has answered. */
export type OrderDetailsParts = {
  readonly [Name in keyof OrderDetails]: Awaited<OrderDetails[Name]>;
};

export interface OrderInTemporal {
  /** Undefined when there is no workflow, or its retention has passed. */
  readonly workflow: WorkflowDetails | undefined;
  /** The URL of the latest run in the Temporal UI; undefined when TEMPORAL_UI is not set. */
  readonly link: string | undefined;
}

export interface WorkflowDetails {
  /** Newest first. */
  readonly runs: readonly OrderRun[];
  /** The message of the latest run. */
  readonly message: OrderMessage | undefined;
  readonly pending: readonly PendingActivity[];
  /** Those of the latest run, here too: Temporal lists runs without them. */
  readonly priority: number | undefined;
  readonly fairnessKey: string | undefined;
}

/**
 * Reads Temporal and Postgres at the same time, then Kafka: loading its client would delay the other
 * two. A server that cannot be read does not hide what the others answer. Any dead letter may be about
 * the order, so all of them are read, or those that `filter` selects.
 */
export function readOrderDetails(
  env: Environment,
  orderId: string,
  filter: Pick<DeadLetterFilter, 'since'> = {},
): OrderDetails {
  const temporal = answerOf(() => readTemporal(env, orderId), describeWithFix);
  const stored = answerOf(() => readRow(env, orderId), describeWithFix);
  const deadLetters = Promise.all([temporal, stored]).then(() =>
    answerOf(() => readDeadLetters(env, orderId, filter), describeWithFix),
  );
  return { temporal, stored, deadLetters };
}

const describeWithFix = (error: unknown): string =>
  `${describeError(error)}${error instanceof OperatorError ? `; fix: ${error.fix}` : ''}`;

const readTemporal = (env: Environment, orderId: string): Promise<OrderInTemporal> =>
  withOrders(env, async (orders) => {
    const workflow = await readWorkflowDetails(orders, orderId);
    const { ui } = orders.settings.temporal;
    const [run] = workflow?.runs ?? [];
    const { namespace } = orders.client.options;
    const link =
      run && ui
        ? `${ui.replace(/\/$/, '')}/namespaces/${encodeURIComponent(namespace)}/workflows/${encodeURIComponent(run.workflowId)}/${run.runId}/history`
        : undefined;
    return { workflow, link };
  });

/** Undefined when there is no workflow, or its retention has passed. */
export async function readWorkflowDetails(
  orders: OrderNamespace,
  orderId: string,
): Promise<WorkflowDetails | undefined> {
  const workflow = await describeOrder(orders, orderId);
  if (!workflow) return undefined;
  const [runs, message] = await Promise.all([
    runsOf(orders, workflow),
    readMessage(orders, workflow),
  ]);
  const { pending, priority, fairnessKey } = workflow;
  return { runs, message, pending, priority, fairnessKey };
}

async function readMessage(
  { client }: OrderNamespace,
  run: OrderRun,
): Promise<OrderMessage | undefined> {
  try {
    return messageOf(await readRunStart(client, run));
  } catch (error) {
    // Its retention has passed since it was described.
    if (hasCode(error, status.NOT_FOUND)) return undefined;
    throw error;
  }
}

const readRow = (env: Environment, orderId: string): Promise<OrderDescription | undefined> =>
  withStoredOrders(env, ({ pool, storage }) => storage.describe(pool, orderId));

async function readDeadLetters(
  env: Environment,
  orderId: string,
  filter: Pick<DeadLetterFilter, 'since'>,
): Promise<readonly FoundDeadLetter[]> {
  const { openDeadLetters } = await import('../dead-letters/open-dead-letters.ts');
  const deadLetters = await openDeadLetters(env);
  const reader = await openMessageReader(readSettings(READER_ROLE, env, valueSettingMistakes));
  return deadLetters.find(filter, isDeadLetterOf(orderId, reader));
}

/**
 * Selects the dead letters that have the order ID in their value or as their key. Decodes only values
 * that may contain the ID.
 */
export function isDeadLetterOf(
  orderId: string,
  reader: Pick<MessageReader, 'identify' | 'mayBeAbout'>,
): (letter: Pick<DeadLetter, 'key' | 'value'>) => Promise<boolean> {
  const mayBeAbout = reader.mayBeAbout([orderId]);
  return async ({ key, value }) => {
    if (key?.toString() === orderId) return true;
    if (!value || !mayBeAbout(value)) return false;
    const read = await reader.identify(value);
    return read.kind === 'order' && read.orderId === orderId;
  };
}
