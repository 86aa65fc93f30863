import { hostname } from 'node:os';
import type { Command } from 'commander';
import { status } from '@grpc/grpc-js';
import { counted, isOrAre } from '../../program/counted.ts';
import { OperatorError } from '../../program/operator-error.ts';
import { callWithRetry } from '../../temporal/call-with-retry.ts';
import {
  describeOrder,
  type OrderNamespace,
  type OrderWorkflow,
} from '../../temporal/order-workflow.ts';
import { hasCode } from '../../temporal/temporal-error.ts';
import { environmentOf } from '../../terminal/environment.ts';
import { withOrders } from './open-orders.ts';

interface Flags {
  readonly json?: true;
}

/** `orders cancel`: requests that the running workflows close as cancelled, without storing anything. */
export const cancel = (ids: readonly string[], flags: Flags, command: Command): Promise<void> =>
  actOnEach(ids, flags, command, {
    name: 'cancel',
    act: requestCancel,
    done: 'cancellation requested; `order-ingest orders rerun` re-runs the order',
  });

/** `orders retry-now`: retries the pending activities at once; their attempts start at one again. */
export const retryNow = (ids: readonly string[], flags: Flags, command: Command): Promise<void> =>
  actOnEach(ids, flags, command, {
    name: 'retry-now',
    act: resetPending,
    done: 'retrying now',
  });

interface Action {
  readonly name: 'cancel' | 'retry-now';
  readonly act: (running: RunningOrder) => Promise<Outcome>;
  /** What the command prints after the order ID. */
  readonly done: string;
}

interface RunningOrder {
  readonly orders: OrderNamespace;
  readonly workflow: OrderWorkflow;
  readonly identity: string;
}

type Outcome = 'done' | keyof typeof NOT_DONE;

const NOT_DONE = {
  unknown: 'Temporal has no workflow for this order, or its retention has passed',
  'not-running': 'the order is not running',
  'nothing-pending': 'the order is not waiting for a retry',
  'not-supported':
    'this Temporal server cannot reset activities: the next attempt starts within a minute',
} as const;

async function actOnEach(
  ids: readonly string[],
  { json }: Flags,
  command: Command,
  { name, act, done }: Action,
): Promise<void> {
  const identity = `order-ingest-${name}@${hostname()}`;
  const unchanged: string[] = [];
  await withOrders(environmentOf(command), async (orders) => {
    for (const id of ids) {
      const outcome = await onRunning(orders, id, (workflow) =>
        act({ orders, workflow, identity }),
      );
      if (json) console.log(JSON.stringify({ orderId: id, outcome }));
      else if (outcome === 'done') console.log(`${id}: ${done}`);
      if (outcome !== 'done') unchanged.push(`${id}: ${NOT_DONE[outcome]}`);
    }
  });
  if (unchanged.length > 0) {
    throw new OperatorError(
      'ORDERS_UNCHANGED',
      `${unchanged.length} of ${counted(ids.length, 'order')} ${isOrAre(unchanged.length)} unchanged: ${unchanged.join('; ')}`,
      'run `order-ingest orders show ID` to see the status of an order',
    );
  }
}

async function onRunning(
  orders: OrderNamespace,
  orderId: string,
  act: (workflow: OrderWorkflow) => Promise<Outcome>,
): Promise<Outcome> {
  const workflow = await describeOrder(orders, orderId);
  if (!workflow) return 'unknown';
  if (workflow.status !== 'running') return 'not-running';
  try {
    return await act(workflow);
  } catch (error) {
    // It has closed since it was described.
    if (hasCode(error, status.NOT_FOUND)) return 'not-running';
    throw error;
  }
}

async function requestCancel({ orders, workflow, identity }: RunningOrder): Promise<Outcome> {
  const { client } = orders;
  const { namespace } = client.options;
  const { workflowId, runId } = workflow;
  await callWithRetry(client, () =>
    client.workflowService.requestCancelWorkflowExecution({
      namespace,
      workflowExecution: { workflowId, runId },
      identity,
      requestId: `cancel/${runId}`,
    }),
  );
  return 'done';
}

async function resetPending({ orders, workflow, identity }: RunningOrder): Promise<Outcome> {
  const { client } = orders;
  const { namespace } = client.options;
  const { workflowId, runId, pending } = workflow;
  for (const { id } of pending) {
    const request = { namespace, execution: { workflowId, runId }, id, identity, keepPaused: true };
    try {
      await callWithRetry(client, () => client.workflowService.resetActivity(request));
    } catch (error) {
      if (hasCode(error, status.UNIMPLEMENTED)) return 'not-supported';
      // It has succeeded since it was described.
      if (hasCode(error, status.NOT_FOUND)) return 'nothing-pending';
      throw error;
    }
  }
  return pending.length > 0 ? 'done' : 'nothing-pending';
}
