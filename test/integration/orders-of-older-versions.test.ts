import type { Client } from '@temporalio/client';
import { payload, startRequest } from '../../src/bridge/start-request.ts';
import { createWorkflowStarter } from '../../src/bridge/workflow-starter.ts';
import { FINGERPRINT_MEMO } from '../../src/contract/workflow-metadata.ts';
import { classifyMessages } from '../../src/operate/reconcile/classify-messages.ts';
import { createOrderLookup } from '../../src/operate/reconcile/order-lookup.ts';
import { identifyOrder, postgresOrderStore, reader, recordOf } from '../support/built-in-order.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { orderMessage, orderText } from '../support/messages.ts';
import { STORED_BY_V0_1_0, DIFFERENT_ORDERS, SAME_ORDERS } from '../support/order-variants.ts';
import { uniqueName } from '../support/stack.ts';
import { connectTestTemporal } from '../support/temporal.ts';

/** One order with the workflow and the row that version 0.1.0 wrote. No worker runs the workflow. */
let client: Client;
let database: TestDatabase;
const target = {
  taskQueue: uniqueName('queue'),
  workflowIdPrefix: `${uniqueName('test')}:`,
  identity: 'a test',
};
const { text, fingerprint, orderId } = STORED_BY_V0_1_0;

beforeAll(async () => {
  [client, database] = await Promise.all([connectTestTemporal(), createTestDatabase()]);
  const { namespace } = client.options;
  const order = { ...identifyOrder(text), message: orderMessage(text), fingerprint };
  const request = startRequest({ ...target, namespace }, order, payload(order.message));
  expect(request.memo?.fields?.[FINGERPRINT_MEMO]).toEqual(payload(fingerprint));
  await client.workflowService.startWorkflowExecution(request);
});
afterAll(async () => {
  await client.workflow.getHandle(`${target.workflowIdPrefix}${orderId}`).terminate();
  await client.connection.close();
  await database.drop();
});

const texts = (cases: typeof SAME_ORDERS) =>
  Object.values(cases).map((changes) => orderText(orderId, changes));

async function startOutcome(value: string) {
  const starter = createWorkflowStarter({
    ...target,
    client,
    reader,
    timeoutMs: 10_000,
    maxInputBytes: 100_000,
  });
  const { kind } = await starter.start(
    { ...identifyOrder(value), message: orderMessage(value, '1') },
    new AbortController().signal,
  );
  return kind;
}

/** How reconcile classifies messages that follow the ingested one. */
async function classify(values: readonly string[], workflowIdPrefix: string) {
  const classified = await classifyMessages(
    {
      topic: 'orders',
      reader,
      orders: createOrderLookup(client, database.pool, reader, { workflowIdPrefix }),
      deadLetters: { has: () => false },
      maxInputBytes: 100_000,
      committed: new Map([[0, 1000n]]),
    },
    0,
    values.map((value, n) => ({
      key: null,
      value: Buffer.from(value),
      headers: {},
      offset: String(n + 1),
      timestamp: '0',
    })),
  );
  return classified.map(({ outcome }) => outcome);
}

test('the bridge recognizes the message of an existing workflow, and the same order written differently', async () => {
  for (const value of [text, ...texts(SAME_ORDERS)]) {
    await expect(startOutcome(value)).resolves.toBe('duplicate');
  }
  for (const value of texts(DIFFERENT_ORDERS)) {
    await expect(startOutcome(value)).resolves.toBe('conflict');
  }
});

test('reconcile recognizes them by the workflow', async () => {
  const { workflowIdPrefix } = target;
  const same = [text, ...texts(SAME_ORDERS)];
  expect(new Set(await classify(same, workflowIdPrefix))).toEqual(new Set(['duplicate']));
  expect(new Set(await classify(texts(DIFFERENT_ORDERS), workflowIdPrefix))).toEqual(
    new Set(['missing']),
  );
});

test('reconcile recognizes them by the row when the workflow has expired', async () => {
  await postgresOrderStore(database.pool).store({ ...recordOf(text), fingerprint });
  const expired = uniqueName('expired');
  const same = [text, ...texts(SAME_ORDERS)];
  expect(new Set(await classify(same, expired))).toEqual(new Set(['duplicate']));
  expect(new Set(await classify(texts(DIFFERENT_ORDERS), expired))).toEqual(new Set(['missing']));
});
