import { MockActivityEnvironment } from '@temporalio/testing';
import { pino } from 'pino';
import { createActivities, type ModuleOfWorker } from '../../../src/activities/order-activities.ts';
import type { IngestOrderResult, PlainOrderRecord } from '../../../src/contract/ingest-workflow.ts';
import type { OrderMessage } from '../../../src/contract/message.ts';
import type { Availability } from '../../../src/telemetry/health/dependency-health.ts';
import type { OrderId } from '../../../src/contract/order-id.ts';
import type {
  Identification,
  OrderModule,
  Translation,
} from '../../../src/contract/order-module.ts';
import { orderModule } from '../../../src/order/order-module.ts';
import { recordOf } from '../../support/built-in-order.ts';
import { createInMemoryOrderStore } from '../../support/in-memory-order-store.ts';
import { orderMessage, orderText } from '../../support/messages.ts';
import { recordedActivities } from '../../support/recorded-histories.ts';

function createWorker(
  module: ModuleOfWorker = orderModule,
  workflowId = 'order:A-1',
  {
    attempt = 1,
    availability = 'available',
  }: { attempt?: number; availability?: Availability } = {},
) {
  const lines: unknown[] = [];
  const outcomes: string[] = [];
  const waits = { count: 0 };
  const orderStore = createInMemoryOrderStore();
  const activities = createActivities({
    orderModule: module,
    orderStore,
    workflowIdPrefix: 'order:',
    logger: pino({}, { write: (line) => void lines.push(JSON.parse(line)) }),
    onOutcome: (outcome) => void outcomes.push(outcome),
    onAttempt: () => undefined,
    untilDatabaseAvailable: () => {
      waits.count += 1;
      return Promise.resolve(availability);
    },
  });
  const environment = new MockActivityEnvironment({
    attempt,
    workflowExecution: { workflowId, runId: 'run' },
  });
  return {
    waits,
    failStore: (error: Error) => {
      orderStore.store = () => Promise.reject(error);
    },
    lines,
    outcomes,
    records: orderStore.records,
    translateOrder: (message: OrderMessage): Promise<PlainOrderRecord> =>
      environment.run((input: OrderMessage) => activities.translateOrder(input), message),
    storeOrder: (record: PlainOrderRecord): Promise<IngestOrderResult> =>
      environment.run((input: PlainOrderRecord) => activities.storeOrder(input), record),
  };
}

/** What the other activity receives: Temporal carries JSON. */
const crossing = <Value>(value: Value): Value => JSON.parse(JSON.stringify(value)) as Value;

const message = orderMessage(orderText('A-1'));
const { source, ...stored } = recordOf(message.text);

const withoutJson: ModuleOfWorker = {
  identify: (json) => orderModule.identify(json),
  translate: (json) => orderModule.translate(json),
};

test('an order crosses Temporal as the JSON of its module', async () => {
  const { translateOrder, storeOrder, records } = createWorker();
  const record = crossing(await translateOrder(message));
  expect(record).toMatchObject({ orderId: 'A-1', order: { totalPrice: '99.95' } });
  await expect(storeOrder(record)).resolves.toEqual({ outcome: 'stored' });
  expect(records.get('A-1')).toMatchObject(stored);
});

test('without a JSON form of the module, the message crosses it and is translated again', async () => {
  const { translateOrder, storeOrder, records } = createWorker(withoutJson);
  const record = crossing(await translateOrder(message));
  expect(record.order).toBe(message.text);
  await storeOrder(record);
  expect(records.get('A-1')).toMatchObject(stored);
});

test('fails an order that a newer version of the module no longer accepts', async () => {
  const { storeOrder, lines, outcomes } = createWorker(withoutJson);
  const invalid = { orderId: 'A-1', order: '{"order_id":"A-1"}', source, fingerprint: '2:a' };
  await expect(storeOrder(invalid)).rejects.toMatchObject({ type: 'OrderInvalid' });
  expect(outcomes).toEqual(['invalid']);
  expect(lines).toContainEqual(expect.objectContaining({ event: 'order_translation_failed' }));
});

test.each(['test-1', 'an-older-prefix:A-1'])(
  'a workflow whose ID has another prefix can be of any order: %s',
  async (workflowId) => {
    const { translateOrder } = createWorker(orderModule, workflowId);
    await expect(translateOrder(message)).resolves.toMatchObject({ orderId: 'A-1' });
  },
);

describe('a fault of the module', () => {
  const failing = (): never => {
    throw new TypeError('secret');
  };

  test('fails the attempt, which Temporal repeats, and quotes no data', async () => {
    const { translateOrder, lines } = createWorker({ ...withoutJson, translate: failing });
    const failure: unknown = await translateOrder(message).catch((error: unknown) => error);
    expect(failure).toMatchObject({
      message: expect.stringMatching(/threw TypeError at order-activities\.test\.ts:\d+/),
    });
    expect(failure).not.toHaveProperty('nonRetryable', true);
    expect(lines).toContainEqual(expect.objectContaining({ event: 'order_module_failed' }));
    expect(String(failure) + JSON.stringify(lines)).not.toContain('secret');
  });

  test.each<[string, Partial<OrderModule>, unknown]>([
    ['toJson', { toJson: failing }, undefined],
    ['fromJson', { fromJson: failing }, { id: 'A-1' }],
    ['translate, when it repeats', { translate: failing }, message.text],
  ])('%s fails the attempt and quotes no data', async (name, functions, order) => {
    const { translateOrder, storeOrder, lines } = createWorker({ ...orderModule, ...functions });
    const record = { orderId: 'A-1', order, source, fingerprint: '2:a' };
    const attempt = order === undefined ? translateOrder(message) : storeOrder(record);
    const failure: unknown = await attempt.catch((error: unknown) => error);
    expect(String(failure)).toMatch(
      new RegExp(`${name.split(',')[0]} of the order module threw TypeError at order-activities`),
    );
    expect(failure).not.toHaveProperty('cause');
    expect(failure).not.toHaveProperty('nonRetryable', true);
    expect(lines).toContainEqual(
      expect.objectContaining({ event: 'order_module_failed', offset: source.offset }),
    );
    expect(String(failure) + JSON.stringify(lines)).not.toContain('secret');
  });

  test('without the fromJson of the version that has written the order fails the attempt', async () => {
    const { storeOrder, lines, outcomes } = createWorker(withoutJson);
    const record = { orderId: 'A-1', order: { id: 'A-1' }, source, fingerprint: '2:a' };
    const failure: unknown = await storeOrder(record).catch((error: unknown) => error);
    expect(String(failure)).toMatch(/fromJson/);
    expect(failure).not.toHaveProperty('nonRetryable', true);
    expect(lines).toContainEqual(expect.objectContaining({ event: 'order_module_failed' }));
    expect(outcomes).toEqual([]);
  });

  test.each(['order:A-2', 'order:eu/A-1'])(
    'that finds another order ID than the bridge stores nothing: %s',
    async (workflowId) => {
      const { translateOrder, lines, records } = createWorker(orderModule, workflowId);
      await expect(translateOrder(message)).rejects.toThrow(/ORDER_MODULE/);
      expect(lines).toContainEqual(expect.objectContaining({ event: 'order_module_failed' }));
      expect(records.size).toBe(0);
    },
  );
});

describe('a message that is not a valid order to the module', () => {
  const translate = (): Translation<unknown> => ({ kind: 'invalid', issues: [] });
  const unusable = { kind: 'unusable', reason: 'no-order-id', error: '' } as const;
  const identifiedAs = (orderId: string): Identification => ({
    ...{ kind: 'order', fingerprint: '1:a' },
    orderId: orderId as OrderId,
  });

  test('fails finally where the module identifies the order of the workflow', async () => {
    const { translateOrder } = createWorker({ identify: () => identifiedAs('A-1'), translate });
    await expect(translateOrder(message)).rejects.toMatchObject({ type: 'OrderInvalid' });
  });

  test.each<[string, () => Identification]>([
    ['no order ID', () => unusable],
    ['the order ID of another workflow', () => identifiedAs('1')],
    ['an error', () => JSON.parse('') as Identification],
  ])(
    'is retried where the module finds %s, until a worker has the right one',
    async (_, identify) => {
      const { translateOrder, storeOrder, lines, outcomes } = createWorker({ identify, translate });
      const record = { orderId: 'A-1', order: message.text, source, fingerprint: '2:a' };
      for (const attempt of [translateOrder, () => storeOrder(record)]) {
        const failure: unknown = await attempt(message).catch((error: unknown) => error);
        expect(failure).toBeInstanceOf(Error);
        expect(failure).not.toHaveProperty('nonRetryable', true);
      }
      expect(lines).toMatchObject([
        { event: 'order_module_failed' },
        { event: 'order_module_failed' },
      ]);
      expect(outcomes).toEqual([]);
    },
  );
});

describe('stores a record as a worker of an older version has translated it', () => {
  const recorded = recordedActivities('storeOrder');

  test('which the recorded histories have', () => {
    expect(recorded.length).toBeGreaterThan(0);
  });

  test.each(recorded)('in $file', async ({ input, text }) => {
    const { storeOrder, records } = createWorker();
    await expect(storeOrder(input as PlainOrderRecord)).resolves.toEqual({ outcome: 'stored' });
    const { orderId, order } = recordOf(text);
    expect(records.get(orderId)).toMatchObject({ orderId, order });
  });
});

describe('an attempt to store an order while Postgres is down', () => {
  const worker = (attempt: number, availability: Availability) =>
    createWorker(orderModule, 'order:A-1', { attempt, availability });
  const recordToStore = async () => crossing(await createWorker().translateOrder(message));

  test('is made at once if it is one of the first five: another worker may reach Postgres', async () => {
    const { storeOrder, waits } = worker(5, 'recovered');
    await expect(storeOrder(await recordToStore())).resolves.toEqual({ outcome: 'stored' });
    expect(waits.count).toBe(0);
  });

  test.each(['available', 'unavailable'] as const)(
    'is made after the wait if Postgres is %s',
    async (availability) => {
      const { storeOrder, waits } = worker(6, availability);
      await expect(storeOrder(await recordToStore())).resolves.toEqual({ outcome: 'stored' });
      expect(waits.count).toBe(1);
    },
  );

  test('is followed by another wait within seconds, and not after a minute, if it fails', async () => {
    const { storeOrder, failStore } = worker(6, 'unavailable');
    failStore(new Error('connect ECONNREFUSED'));
    await expect(storeOrder(await recordToStore())).rejects.toMatchObject({
      message: 'connect ECONNREFUSED',
      nonRetryable: false,
      nextRetryDelay: '10s',
    });
  });

  test.each(['recovered', 'aborted'] as const)(
    'leaves the order to the next attempt, at once, if the wait is over because it is %s: the order may be cancelled',
    async (availability) => {
      const { storeOrder, records } = worker(6, availability);
      await expect(storeOrder(await recordToStore())).rejects.toMatchObject({
        type: 'RetryAfterWait',
        nonRetryable: false,
        nextRetryDelay: '1ms',
      });
      expect(records.size).toBe(0);
    },
  );
});
