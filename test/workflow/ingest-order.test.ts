import { WorkflowFailedError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import proto from '@temporalio/proto';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { FAILURE_MEMO, FAILURE_TYPE } from '../../src/contract/workflow-metadata.ts';
import type { OrderStore } from '../../src/worker/order-store.ts';
import { eventually } from '../support/eventually.ts';
import { createInMemoryOrderStore } from '../support/in-memory-order-store.ts';
import { orderMessage, orderText } from '../support/messages.ts';
import { stackAddress, uniqueName } from '../support/stack.ts';
import { connectTestTemporal } from '../support/temporal.ts';
import { quietTemporalRuntime, withWorker } from '../support/test-worker.ts';

let env: TestWorkflowEnvironment;
beforeAll(async () => {
  quietTemporalRuntime();
  // Adds the search attributes, without which a failing workflow cannot complete.
  await (await connectTestTemporal()).connection.close();
  env = await TestWorkflowEnvironment.createFromExistingServer({
    address: stackAddress('TEMPORAL_ADDRESS'),
    namespace: stackAddress('TEMPORAL_NAMESPACE'),
  });
});
afterAll(() => env.teardown());

/** Fails this many times, or until `recover()`, and works afterwards. */
function failingStore(failures: number): OrderStore & { attempts: number; recover(): void } {
  const store = createInMemoryOrderStore();
  let left = failures;
  return {
    attempts: 0,
    recover() {
      left = 0;
    },
    store(record) {
      this.attempts += 1;
      left -= 1;
      return left >= 0 ? Promise.reject(new Error('connect ECONNREFUSED')) : store.store(record);
    },
  };
}

async function failureOf(result: Promise<unknown>): Promise<ApplicationFailure> {
  const error: unknown = await result.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof WorkflowFailedError && error.cause instanceof ApplicationFailure)
    return error.cause;
  throw new Error('the workflow did not fail with an ApplicationFailure', { cause: error });
}

/** The number of events in the history, without those of workflow tasks: a busy machine may need several. */
async function eventsOf(handle: WithHistory): Promise<number> {
  const names = await eventNames(handle);
  return names.filter((name) => !name.startsWith('EVENT_TYPE_WORKFLOW_TASK_')).length;
}

interface WithHistory {
  fetchHistory(): Promise<proto.temporal.api.history.v1.IHistory>;
}

async function eventNames(handle: WithHistory): Promise<readonly string[]> {
  const { events } = await handle.fetchHistory();
  return (events ?? []).map(({ eventType }) => EventType[eventType ?? 0] ?? '');
}

const { EventType } = proto.temporal.api.enums.v1;

test('an order is stored in a local activity, at the cost of an empty workflow', async () => {
  const store = createInMemoryOrderStore();
  await withWorker(env, store, async (start) => {
    const handle = await start(orderMessage(orderText('A-1')));
    await expect(handle.result()).resolves.toEqual({ outcome: 'stored' });
    expect(store.records.get('A-1')?.source).toEqual({
      topic: 'orders',
      partition: 0,
      offset: '0',
    });
    // The start, the marker of the local activity, the completion.
    expect(await eventsOf(handle)).toBe(3);
    const tasks = (await eventNames(handle)).filter(
      (name) => name === 'EVENT_TYPE_WORKFLOW_TASK_STARTED',
    );
    // The start, and the beginning and the end of each task, as for an empty workflow.
    const { raw } = await handle.describe();
    expect(Number(raw.workflowExecutionInfo?.stateTransitionCount)).toBe(1 + 2 * tasks.length);
  });
});

test('the same order again completes as already stored', async () => {
  await withWorker(env, createInMemoryOrderStore(), async (start) => {
    await (await start(orderMessage(orderText('A-1')))).result();
    const again = await start(orderMessage(orderText('A-1'), '1'));
    await expect(again.result()).resolves.toEqual({ outcome: 'already-stored' });
  });
});

test('an invalid order fails without a retry and names every invalid field', async () => {
  await withWorker(env, createInMemoryOrderStore(), async (start) => {
    const handle = await start(
      orderMessage(orderText('A-1', { total_price: '-1', line_items: '[]' })),
    );
    const failure = await failureOf(handle.result());
    expect(failure).toMatchObject({ type: 'OrderInvalid', nonRetryable: true });
    expect(failure.message).toBe(
      'Not a valid order: total_price: expected an amount that is not negative; line_items: expected at least one element',
    );
    const { typedSearchAttributes, memo } = await handle.describe();
    expect(typedSearchAttributes.get(FAILURE_TYPE)).toBe('OrderInvalid');
    expect(memo?.[FAILURE_MEMO]).toBe(failure.message);
    // Two more than for a stored order: the search attribute and the memo of the failure.
    expect(await eventsOf(handle)).toBe(5);
  });
});

test('the failure of an order with thousands of issues is not too large for Temporal', async () => {
  const items = `[${Array<string>(5000).fill('{}').join(',')}]`;
  await withWorker(env, createInMemoryOrderStore(), async (start) => {
    const handle = await start(orderMessage(orderText('A-1', { line_items: items })));
    const failure = await failureOf(handle.result());
    expect(failure.message).toContain('; and 14975 more');
  });
});

test('a different order with the same ID fails as a conflict', async () => {
  await withWorker(env, createInMemoryOrderStore(), async (start) => {
    await (await start(orderMessage(orderText('A-1'), '41'))).result();
    const other = await start(orderMessage(orderText('A-1', { total_price: '1' }), '42'));
    const failure = await failureOf(other.result());
    expect(failure).toMatchObject({ type: 'OrderConflict', nonRetryable: true });
    expect(failure.message).toContain('it came from orders, partition 0, offset 41');
  });
});

test('data that the database rejects fails without a retry', async () => {
  await withWorker(env, createInMemoryOrderStore(), async (start) => {
    const handle = await start(orderMessage(orderText('A-1', { customer_name: '"\\u0000"' })));
    await expect(failureOf(handle.result())).resolves.toMatchObject({ type: 'OrderRejected' });
  });
});

test('three failed local attempts are followed by a regular activity', async () => {
  const store = failingStore(3);
  await withWorker(env, store, async (start) => {
    const handle = await start(orderMessage(orderText(uniqueName('A'))));
    await expect(handle.result()).resolves.toEqual({ outcome: 'stored' });
    expect(store.attempts).toBe(4);
  });
});

test('a store that keeps failing is visible as a pending activity and is retried without limit', async () => {
  const store = failingStore(Infinity);
  await withWorker(env, store, async (start) => {
    const handle = await start(orderMessage(orderText(uniqueName('A'))));
    await eventually(async () => {
      const { raw } = await handle.describe();
      expect(raw.pendingActivities).toHaveLength(1);
      const [activity] = raw.pendingActivities ?? [];
      expect(activity).toMatchObject({
        activityType: { name: 'storeOrder' },
        maximumAttempts: 0,
        lastFailure: { message: 'connect ECONNREFUSED' },
      });
      expect(activity?.attempt).toBeGreaterThanOrEqual(2);
    });
    const details = async () =>
      (await handle.query<{ currentDetails?: string }>('__temporal_workflow_metadata'))
        .currentDetails;
    expect(await details()).toMatch(/^Storing the order has been failing since 20\d\d-/);
    store.recover();
    await expect(handle.result()).resolves.toEqual({ outcome: 'stored' });
    expect(await details()).toBe('');
  });
});

test('an order that is being retried can be cancelled', async () => {
  await withWorker(env, failingStore(Infinity), async (start) => {
    const handle = await start(orderMessage(orderText(uniqueName('A'))));
    await eventually(async () => {
      expect((await handle.describe()).raw.pendingActivities).toHaveLength(1);
    });
    await handle.cancel();
    await expect(handle.result()).rejects.toMatchObject({ cause: { name: 'CancelledFailure' } });
  });
});
