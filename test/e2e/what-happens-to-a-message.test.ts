import { WorkflowFailedError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { eventually } from '../support/eventually.ts';
import { SAME_ORDERS } from '../support/order-variants.ts';
import { orderText } from '../support/messages.ts';
import type { RunningProgram } from '../support/programs.ts';
import { uniqueName } from '../support/stack.ts';
import { createTestSystem, inOneProcess, type TestSystem } from '../support/system.ts';

/** The rows of the table "What happens to a message" in docs/guarantees.md, each through bridge and worker. */
let system: TestSystem;
let bridge: RunningProgram;
beforeAll(async () => {
  system = await createTestSystem();
  // The topic has one partition, so that one bridge has all messages.
  [bridge] = inOneProcess()
    ? [await system.startBoth()]
    : await Promise.all([system.startBridge(), system.startWorker()]);
});
afterAll(() => system.close());

const send = (...values: (string | Buffer | null)[]) =>
  system.topic.send(values.map((value) => ({ key: 'a key', value })));

async function failureOf(workflow: { result(): Promise<unknown> }): Promise<ApplicationFailure> {
  const error: unknown = await workflow.result().catch((reason: unknown) => reason);
  if (error instanceof WorkflowFailedError && error.cause instanceof ApplicationFailure)
    return error.cause;
  throw new Error('the workflow did not fail with an ApplicationFailure', {
    cause: error,
  });
}

/**
 * A second bridge that starts at the end of the topic, with another prefix for workflow IDs: to it,
 * Temporal looks as if the namespace's retention had ended for all earlier orders.
 */
async function afterRetention(
  orderId: string,
  text: string,
): Promise<ReturnType<typeof system.workflow>> {
  const prefix = `${uniqueName('later')}:`;
  const later = await system.startBridge({
    WORKFLOW_ID_PREFIX: prefix,
    KAFKA_GROUP_ID: uniqueName('later'),
    KAFKA_AUTO_OFFSET_RESET: 'latest',
  });
  await send(text);
  const handle = system.client.workflow.getHandle(`${prefix}${orderId}`);
  await eventually(() => handle.describe());
  await later.end('SIGTERM');
  return handle;
}

test('a valid order becomes one workflow, one row and its line items, with every digit kept', async () => {
  const id = uniqueName('order');
  await send(
    orderText(id, { total_price: '12345678901234567.89', customer_name: '"山田 🚀 أمينة"' }),
  );
  await eventually(async () => {
    expect(await system.status(id)).toBe('COMPLETED');
  });
  const { rows } = await system.database.pool.query(
    `SELECT o.*, created_at::text, array_agg(ARRAY[line_number::text, product_id, quantity::text, unit_price::text]
       ORDER BY line_number) AS items
     FROM orders o JOIN order_line_items USING (order_id) WHERE order_id = $1 GROUP BY o.order_id`,
    [id],
  );
  expect(rows).toMatchObject([
    {
      customer_name: '山田 🚀 أمينة',
      total_price: '12345678901234567.89',
      created_at: expect.stringContaining(':30:00.123456') as string,
      source_topic: system.topic.name,
      source_partition: 0,
      items: [
        ['1', 'P-7', '2', '10.50'],
        ['2', 'P-8', '1', '78.95'],
      ],
    },
  ]);
  const description = await system.workflow(id).describe();
  expect(description.typedSearchAttributes.getAll()).toEqual(
    expect.arrayContaining([
      {
        key: expect.objectContaining({ name: 'SourceTopic' }) as unknown,
        value: system.topic.name,
      },
      { key: expect.objectContaining({ name: 'SourcePartition' }) as unknown, value: 0 },
    ]),
  );
});

test('the same order sent again changes nothing, however it is written', async () => {
  const id = uniqueName('order');
  const again = Object.values(SAME_ORDERS).map((changes) => orderText(id, changes));
  await send(orderText(id), ...again, orderText(id).replaceAll(', ', ' ,\n'), orderText(id));
  await eventually(() => {
    expect(
      bridge.events.filter(({ event, orderId }) => event === 'duplicate_order' && orderId === id),
    ).toHaveLength(again.length + 2);
  });
  await expect(system.workflow(id).result()).resolves.toEqual({ outcome: 'stored' });
  await system.allCommitted();
});

test('the same order after retention completes without a second row', async () => {
  const id = uniqueName('order');
  await send(orderText(id));
  await eventually(() => system.workflow(id).result());
  const later = await afterRetention(
    id,
    orderText(id, { sent_at: '"later"', total_price: '99.950' }),
  );
  await expect(later.result()).resolves.toEqual({ outcome: 'already-stored' });
});

test('different content under the same order ID becomes a dead letter', async () => {
  const id = uniqueName('order');
  const other = orderText(id, { total_price: '1' });
  await send(orderText(id), other);
  await eventually(async () => {
    const letters = await system.topic.deadLetters();
    expect(letters.filter(({ value }) => value?.toString() === other)).toMatchObject([
      { reason: 'conflicting-duplicate', key: 'a key' },
    ]);
  });
  await expect(system.workflow(id).result()).resolves.toEqual({ outcome: 'stored' });
});

test('different content after retention fails as OrderConflict', async () => {
  const id = uniqueName('order');
  await send(orderText(id));
  await eventually(() => system.workflow(id).result());
  const later = await afterRetention(id, orderText(id, { total_price: '1' }));
  await expect(failureOf(later)).resolves.toMatchObject({ type: 'OrderConflict' });
});

test('an invalid order fails at once as OrderInvalid, naming every field', async () => {
  const id = uniqueName('order');
  await send(orderText(id, { line_items: '[]', created_at: '"soon"', total_price: '-1' }));
  await eventually(async () => {
    expect(await system.status(id)).toBe('FAILED');
  });
  const failure = await failureOf(system.workflow(id));
  expect(failure.type).toBe('OrderInvalid');
  for (const field of ['created_at', 'total_price', 'line_items'])
    expect(failure.message).toContain(field);
  await system.allCommitted();
});

test('a message that cannot become a workflow becomes a dead letter with its key, value and headers, and blocks nothing', async () => {
  const id = uniqueName('order');
  const unusable: readonly [string, Buffer | null][] = [
    ['not-json', Buffer.from('{"order_id": ')],
    ['not-utf8', Buffer.from([0x7b, 0xff, 0x7d])],
    ['not-an-object', Buffer.from('[1]')],
    ['no-order-id', Buffer.from('{"id": "x"}')],
    ['invalid-order-id', Buffer.from('{"order_id": ""}')],
    ['tombstone', null],
    // Within Kafka's megabyte, but twice as long once it is escaped as an input.
    ['too-large', Buffer.from(`{"order_id": "large-${id}", "x": "${'\\\\'.repeat(515_000)}"}`)],
  ];
  const before = (await system.topic.deadLetters()).length;
  const bytes = Buffer.from([0, 255, 10]);
  await system.topic.send(
    unusable.map(([reason, value]) => ({
      key: `key of ${reason}`,
      value,
      headers: { mine: bytes, reason },
    })),
  );
  await send(orderText(id));
  await eventually(() => system.workflow(id).result());
  await system.allCommitted();
  const letters = (await system.topic.deadLetters()).slice(before);
  expect(letters.map(({ reason }) => reason).sort()).toEqual(
    unusable.map(([reason]) => reason).sort(),
  );
  for (const { reason, key, value, headers } of letters) {
    expect(key).toBe(`key of ${reason}`);
    expect(value).toEqual(unusable.find(([name]) => name === reason)?.[1]);
    expect(headers['mine']).toEqual(bytes);
    expect(String(headers['reason'])).toBe(reason);
    expect(String(headers['dead-letter.source.topic'])).toBe(system.topic.name);
    expect(String(headers['dead-letter.source.partition'])).toBe('0');
    expect(String(headers['dead-letter.source.offset'])).toMatch(/^\d+$/);
    expect(String(headers['dead-letter.source.timestamp'])).toMatch(/^\d{13}$/);
    expect(String(headers['dead-letter.attempt'])).toBe('1');
    expect(String(headers['dead-letter.error'])).not.toBe('');
  }
});

test('data that Postgres rejects fails as OrderRejected', async () => {
  const id = uniqueName('order');
  await send(orderText(id, { customer_name: '"a\\u0000b"' }));
  await eventually(async () => {
    expect(await system.status(id)).toBe('FAILED');
  });
  await expect(failureOf(system.workflow(id))).resolves.toMatchObject({
    type: 'OrderRejected',
    message: expect.stringContaining('SQLSTATE 22021') as string,
  });
});
