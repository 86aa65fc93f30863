import type { Environment } from '../config/read-settings.ts';
import { createOrderIdFilter } from '../order/order-id-filter.ts';
import { readMessage } from '../order/identify.ts';
import type { FoundDeadLetter } from '../dead-letters/open-dead-letters.ts';
import type { DeadLetterFilter, StoredDeadLetter } from '../dead-letters/stored-dead-letter.ts';
import { describeError, OperatorError } from '../program/operator-error.ts';
import { readStoredOrder, type StoredOrder } from '../storage/read-stored-order.ts';
import { withOrders } from './open-orders.ts';
import { orderStory, type OrderStory } from './order-story.ts';
import { withStoredOrders } from './with-stored-orders.ts';

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
    const remedy = error instanceof OperatorError ? `; to mend it: ${error.remedy}` : '';
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
    const read = readMessage(value, value.length);
    return read.kind === 'order' && read.orderId === orderId;
  };
}
