import type { Client } from '@temporalio/client';
import { checkPreferences } from '../../src/order-module/start-preferences.ts';
import { createWorkflowStarter } from '../../src/bridge/workflow-starter.ts';
import { parseOrderId } from '../../src/contract/order-id.ts';
import { LOW_PRIORITY } from '../../src/contract/priority.ts';
import { rerunOrder } from '../../src/operate/orders/rerun-orders.ts';
import { countOpenOrders } from '../../src/temporal/open-workflows.ts';
import { listOrders } from '../../src/temporal/order-visibility.ts';
import { describeOrder, isDelayed, type OrderRun } from '../../src/temporal/order-workflow.ts';
import { reader } from '../support/built-in-order.ts';
import { eventually } from '../support/eventually.ts';
import { stackAddress, TEMPORAL_SERVERS, uniqueName } from '../support/stack.ts';
import { useTemporalOnPostgres } from '../support/temporal-on-postgres.ts';
import { connectTestTemporal } from '../support/temporal.ts';

useTemporalOnPostgres();

const HOUR_MS = 3_600_000;

describe.each(TEMPORAL_SERVERS)('on Temporal with %s', (_, server) => {
  let client: Client;
  beforeAll(async () => {
    client = await connectTestTemporal(stackAddress(server));
  });
  afterAll(() => client.connection.close());

  /** Starts orders that no worker runs. */
  function createStarter() {
    const workflowIdPrefix = `${uniqueName('test')}:`;
    const place = { client, workflowIdPrefix };
    const target = { client, taskQueue: uniqueName('queue'), identity: 'a test' };
    const limits = { timeoutMs: 10_000, maxInputBytes: 100_000 };
    const starter = createWorkflowStarter({ ...target, ...limits, reader, workflowIdPrefix });
    const start = (id: string, preferences: unknown) => {
      const orderId = parseOrderId(id);
      if (!orderId.ok) throw new Error(orderId.expected);
      const order = {
        orderId: orderId.value,
        fingerprint: `2:${id}`,
        message: {
          text: '{}',
          source: { topic: 'orders', partition: 0, offset: '1', timestamp: '0' },
        },
        start: checkPreferences(preferences).start,
      };
      return starter.start(order, new AbortController().signal);
    };
    return { place, target, start };
  }

  test('a workflow has the priority and fairness key of its order, and a re-run keeps the key', async () => {
    const { place, target, start } = createStarter();
    const preferences = { priority: 1, fairnessKey: 'C-7', fairnessWeight: 2 };
    expect(await start('A-1', preferences)).toMatchObject({ kind: 'started' });
    const first = await describeOrder(place, 'A-1');
    expect(first).toMatchObject({ priority: 1, fairnessKey: 'C-7', delayedUntil: undefined });
    if (!first) throw new Error('no workflow');
    await client.workflow.getHandle(first.workflowId).terminate();

    expect(await rerunOrder(target, first, LOW_PRIORITY)).toMatchObject({ kind: 'started' });
    const second = await describeOrder(place, 'A-1');
    expect(second?.runId).not.toBe(first.runId);
    expect(second).toMatchObject({ priority: 5, fairnessKey: 'C-7' });
    const description = await client.workflow.getHandle(first.workflowId).describe();
    expect(description.priority).toEqual({ priorityKey: 5, fairnessKey: 'C-7', fairnessWeight: 2 });
  });

  test('a delayed order is shown as such, is not counted as open, and does not wait when it is re-run', async () => {
    const { place, target, start } = createStarter();
    const before = Date.now();
    await start('now', undefined);
    await start('later', { startDelayMs: HOUR_MS });
    const delayed = await describeOrder(place, 'later');
    expect(delayed && isDelayed(delayed)).toBe(true);
    expect((delayed?.delayedUntil ?? 0) - before).toBeGreaterThan(HOUR_MS - 10_000);
    await eventually(async () => {
      const listed = new Map<string, OrderRun>();
      for await (const run of listOrders(place, { statuses: ['running'] })) {
        listed.set(run.orderId, run);
      }
      expect([...listed.keys()].sort()).toEqual(['later', 'now']);
      expect([...listed.values()].filter(isDelayed).map(({ orderId }) => orderId)).toEqual([
        'later',
      ]);
      expect(await countOpenOrders(client, place.workflowIdPrefix)).toBe(1);
    });
    const { workflowIdPrefix } = place;
    expect(await countOpenOrders(client, workflowIdPrefix, new Date(before - 1000))).toBe(0);
    expect(await countOpenOrders(client, workflowIdPrefix, new Date())).toBe(1);

    if (!delayed) throw new Error('no workflow');
    await client.workflow.getHandle(delayed.workflowId).terminate();
    await rerunOrder(target, delayed, LOW_PRIORITY);
    expect(await describeOrder(place, 'later')).toMatchObject({
      status: 'running',
      delayedUntil: undefined,
    });
  });

  test.each([
    ['a priority of another range', { priority: 2 ** 31 }],
    ['a negative priority', { priority: -1 }],
    ['a fairness key that is too long', { fairnessKey: 'é'.repeat(40) }],
    ['a fairness key with a NUL', { fairnessKey: 'a\0b' }],
    ['a fairness key with a lone surrogate', { fairnessKey: '\ud800' }],
    ['a negative weight', { fairnessKey: 'a', fairnessWeight: -1 }],
    ['an infinite weight', { fairnessKey: 'a', fairnessWeight: Infinity }],
    ['a negative delay', { startDelayMs: -1 }],
    ['a time as delay', { startDelayMs: Date.now() }],
    ['the longest possible delay', { startDelayMs: Number.MAX_VALUE }],
  ])('an order with %s is started', async (_name, preferences) => {
    const { start } = createStarter();
    expect(await start('A-1', preferences)).toMatchObject({ kind: 'started' });
  });
});
