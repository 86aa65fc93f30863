import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import avro from 'avsc';
import { eventually } from '../support/eventually.ts';
import { orderText } from '../support/messages.ts';
import { startOwnServer, type OwnServer } from '../support/own-server.ts';
import { MAIN, runCli } from '../support/programs.ts';
import {
  framed,
  recordedValue,
  registerRecordedSchemas,
  registerSchema,
} from '../support/schema-registry.ts';
import { uniqueName } from '../support/stack.ts';
import { createTestSystem, type TestSystem } from '../support/system.ts';

let registry: OwnServer;
let system: TestSystem;
beforeAll(async () => {
  registry = await startOwnServer('schema-registry');
  await registerRecordedSchemas(registry.address);
});
afterAll(() => registry.remove());
beforeEach(async () => {
  system = await createTestSystem({ partitions: 2 });
});
afterEach(() => system.close());

const dir = mkdtempSync(path.join(tmpdir(), 'order-module-'));
const MONEY_MODULE = path.join(dir, 'order.mjs');
// The built-in order with a `google.type.Money` as its total, of which it takes the amount.
writeFileSync(
  MONEY_MODULE,
  `import { orderModule } from ${JSON.stringify(path.join(MAIN, '../../order/order-module.js'))};
   const flat = (message) => ({ ...message, total_price: message.total_price?.amount });
   export default {
     ...orderModule,
     identify: (message) => orderModule.identify(flat(message)),
     translate: (message) => orderModule.translate(flat(message)),
   };`,
);
afterAll(() => {
  rmSync(dir, { recursive: true });
});

const settings = (format: string) => ({
  KAFKA_VALUE_FORMAT: format,
  SCHEMA_REGISTRY_URL: registry.address,
});

const STORED = `
  SELECT o.created_at::text, o.customer_name, o.total_price::text,
    array_agg(i.product_id || ' ' || i.quantity || ' ' || i.unit_price ORDER BY i.line_number) AS items
  FROM orders o JOIN order_line_items i USING (order_id)
  WHERE o.order_id = $1 GROUP BY o.order_id`;

test.each([
  {
    format: 'avro',
    orderId: 'avro-1',
    stored: {
      created_at: '2026-11-24 08:30:00.123456+00',
      customer_name: 'Zoë Ångström 🚲',
      total_price: '12345678901234567.890123456789012345',
      items: ['p-1 2147483647 0.10', 'p-2 1 99999999999999.99'],
    },
  },
  {
    format: 'json-schema',
    orderId: 'json-1',
    stored: {
      created_at: '2026-11-24 08:30:00.123456+00',
      customer_name: 'Zoë',
      total_price: '12345678901234567.890',
      items: ['p-1 1 0.10'],
    },
  },
  {
    format: 'protobuf',
    orderId: 'protobuf-1',
    module: { ORDER_MODULE: MONEY_MODULE },
    stored: {
      created_at: '2026-11-25 08:30:00.123456+00',
      customer_name: 'Zoë Ångström 🚲',
      total_price: '12345678901234567.890000001',
      items: ['p-1 3 0.10', 'p-2 1 99999999999999.99'],
    },
  },
])(
  'an order that the Python client of Confluent has written as $format is stored digit by digit',
  async ({ format, orderId, module = {}, stored }) => {
    const env = { ...settings(format), ...module };
    const value = recordedValue(format, 'order');
    await system.startPair({ bridge: env, worker: module });
    await system.topic.send([{ key: 'k', value }]);
    await eventually(async () => {
      await expect(system.workflow(orderId).result()).resolves.toEqual({ outcome: 'stored' });
    });
    const { rows } = await system.database.pool.query(STORED, [orderId]);
    expect(rows).toEqual([stored]);

    const otherSchemaId = format === 'avro' ? 6 : 2;
    const unusable = [
      { reason: 'no-schema-id', value: Buffer.from('{"order_id":"x"}') },
      { reason: 'schema-mismatch', value: value.subarray(0, -3) },
      { reason: 'wrong-schema-type', value: framed(otherSchemaId, value.subarray(5)) },
    ];
    await system.topic.send(unusable.map(({ value: bytes }) => ({ key: 'k', value: bytes })));
    await system.allCommitted();
    const letters = await system.topic.deadLetters();
    expect(letters.map(({ reason }) => reason).sort()).toEqual(
      unusable
        .map(({ reason }) =>
          format === 'json-schema' && reason === 'schema-mismatch' ? 'not-json' : reason,
        )
        .sort(),
    );
    expect(letters.map((letter) => letter.value)).toEqual(
      expect.arrayContaining(unusable.map(({ value: bytes }) => bytes)),
    );

    const toolEnv = { ...system.bridgeEnv, ...env, DATABASE_URL: system.database.url };
    const reconciled = await runCli(['reconcile', '--json'], toolEnv);
    expect(reconciled).toMatchObject({ exitCode: 0 });
    expect(JSON.parse(reconciled.stdout)).toMatchObject({
      missing: [],
      totals: { stored: 1, 'dead-lettered': unusable.length },
    });
    const listed = await runCli(
      ['dead-letters', 'list', '--reason', 'wrong-schema-type', '--json'],
      toolEnv,
    );
    const { letter } = JSON.parse(listed.stdout) as { letter: string };
    const shown = await runCli(['dead-letters', 'show', letter, '--json'], toolEnv);
    expect(JSON.parse(shown.stdout)).toMatchObject({
      schemaId: otherSchemaId,
      decoded: null,
      decodeError: expect.stringContaining('KAFKA_VALUE_FORMAT'),
    });
    const doctor = await runCli(['doctor', '--json'], toolEnv);
    expect(doctor.stdout).toContain('"check":"Schema registry","state":"ok"');
  },
);

test('a message with an ID that the registry does not know is a dead letter', async () => {
  const env = settings('avro');
  await system.startBridge(env);
  const value = framed(9999, recordedValue('avro', 'order').subarray(5));
  await system.topic.send([{ key: 'k', value }]);
  await system.allCommitted();
  expect(await system.topic.deadLetters()).toMatchObject([{ reason: 'unknown-schema-id', value }]);

  const toolEnv = { ...system.bridgeEnv, ...env, DATABASE_URL: system.database.url };
  const listed = await runCli(['dead-letters', 'list', '--json'], toolEnv);
  const { letter } = JSON.parse(listed.stdout) as { letter: string };
  const shown = await runCli(['dead-letters', 'show', letter, '--json'], toolEnv);
  expect(JSON.parse(shown.stdout)).toMatchObject({
    schemaId: 9999,
    decoded: null,
    decodeError: expect.stringContaining('9999'),
  });
});

/** Two versions of a schema, of which the second is not known to the bridge. */
const orderSchema = (doc: string) => ({
  type: 'record',
  name: 'Order',
  doc,
  fields: [
    ...['order_id', 'created_at', 'customer_name', 'total_price'].map((name) => ({
      name,
      type: 'string',
    })),
    {
      name: 'line_items',
      type: {
        type: 'array',
        items: {
          type: 'record',
          name: 'LineItem',
          fields: [
            { name: 'product_id', type: 'string' },
            { name: 'quantity', type: 'int' },
            { name: 'unit_price', type: 'double' },
          ],
        },
      },
    },
  ],
});

const CHANGES = {
  total_price: '"10.50"',
  line_items: '[{"product_id": "P-7", "quantity": 1, "unit_price": 10.5}]',
};

test('while the schema registry is down, the bridge waits without dead letters, and then nothing is missing', async () => {
  const { bridge, worker } = await system.startPair({ bridge: settings('avro') });
  const register = (doc: string) =>
    registerSchema(registry.address, 'outage', {
      schemaType: 'AVRO',
      schema: JSON.stringify(orderSchema(doc)),
    });
  const [known, unknown] = [await register('known'), await register('unknown')];
  const type = avro.Type.forSchema(orderSchema('known') as avro.Schema);
  const send = async (schemaId: number, partition: number, count: number) => {
    const ids = Array.from({ length: count }, () => uniqueName('avro'));
    await system.topic.send(
      ids.map((id) => {
        const order: unknown = JSON.parse(orderText(id, CHANGES));
        return { key: id, partition, value: framed(schemaId, type.toBuffer(order)) };
      }),
    );
    return ids;
  };
  const before = await send(known, 0, 1);
  await system.allCommitted();
  await registry.kill();

  const waiting = await send(unknown, 1, 300);
  const outage = await bridge.logged('dependency_unavailable');
  expect(outage['dependency']).toBe('the schema registry');
  const unready = await bridge.http('GET', '/readyz');
  expect(unready.status).toBe(503);
  expect(unready.body).toContain('the schema registry');
  const behind = await send(known, 0, 300);
  expect(await system.topic.lag()).toBeGreaterThanOrEqual(waiting.length);
  expect((await worker.http('GET', '/readyz')).status).toBe(200);

  await registry.start();
  await bridge.logged('dependency_available');
  await system.allCommitted();
  expect(await system.topic.deadLetters()).toEqual([]);
  expect((await bridge.http('GET', '/readyz')).status).toBe(200);
  for (const id of [...before, ...waiting, ...behind]) {
    await expect(system.workflow(id).result()).resolves.toEqual({ outcome: 'stored' });
  }
});
