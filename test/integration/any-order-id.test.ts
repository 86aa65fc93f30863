import fc from 'fast-check';
import pMap from 'p-map';
import type { Client } from '@temporalio/client';
import { createWorkflowStarter } from '../../src/bridge/workflow-starter.ts';
import { parseOrderId } from '../../src/contract/order-id.ts';
import { listOrders } from '../../src/temporal/order-visibility.ts';
import { orderStory } from '../../src/operate/orders/order-details.ts';
import { rerunOrder } from '../../src/operate/orders/rerun-orders.ts';
import { hasIngestedFrom } from '../../src/temporal/has-ingested-from.ts';
import { arbitraryOrderId } from '../support/arbitrary-order.ts';
import { eventually } from '../support/eventually.ts';
import { stackAddress, TEMPORAL_SERVERS, uniqueName } from '../support/stack.ts';
import { connectTestTemporal } from '../support/temporal.ts';

/** IDs of characters that a language of queries has a use for. */
const punctuation = fc
  .stringMatching(/^[\\?'"%_!:;\-/*#()`$@&|, aA1]{1,12}$/)
  .filter((id) => parseOrderId(id).ok);

/** Pairs that a lookup may confuse, and IDs that a query may trip over. */
const AWKWARD = [
  ...['EU17', 'EU\\17', 'X\\', 'A?1', 'A', '?', "O'Brien", "O'", "O''", 'say "hi"', '"', '\\"'],
  ...['100%', '100', 'a_b', 'a!b', "' OR WorkflowId != '", 'a-1', 'A-1', '\\\\', '--', '/*', '🛒'],
  'x'.repeat(200),
];

/** More than are asked for one by one. */
const COUNT = 80;

const CONCURRENCY = { concurrency: 16 };

/** The most that Kafka and the settings allow. */
const topic = 't'.repeat(249);
const taskQueue = uniqueName('queue').padEnd(200, 'q');

const starterOf = (client: Client, workflowIdPrefix: string) => {
  const starter = createWorkflowStarter({
    client,
    taskQueue,
    workflowIdPrefix,
    identity: 'a test',
    timeoutMs: 10_000,
    maxInputBytes: 100_000,
  });
  return (text: string, offset: number, fingerprint = 'f'.repeat(64)) => {
    const orderId = parseOrderId(text);
    if (!orderId.ok) throw new Error(orderId.expected);
    const source = { topic, partition: 0, offset: String(offset), timestamp: '0' };
    return starter.start({ orderId: orderId.value, fingerprint, message: { text: '{}', source } });
  };
};

describe.each(TEMPORAL_SERVERS)('on Temporal with %s', (_, server) => {
  let client: Client;
  beforeAll(async () => {
    client = await connectTestTemporal(stackAddress(server));
  });
  afterAll(() => client.connection.close());

  /** Starts the orders and ends their workflows. */
  async function failAll(workflowIdPrefix: string, ids: readonly string[]): Promise<void> {
    const start = starterOf(client, workflowIdPrefix);
    const failOne = async ([n, id]: readonly [number, string]) => {
      expect(await start(id, n)).toMatchObject({ kind: 'started' });
      await client.workflow.getHandle(`${workflowIdPrefix}${id}`).terminate();
    };
    await pMap(ids.entries(), failOne, CONCURRENCY);
  }

  async function listed(workflowIdPrefix: string): Promise<readonly string[]> {
    const found: string[] = [];
    const place = { client, workflowIdPrefix };
    for await (const { orderId } of listOrders(place, { statuses: ['terminated'] })) {
      found.push(orderId);
    }
    return found.sort();
  }

  test('every legal order ID is listed, and found with its own runs alone', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.oneof(arbitraryOrderId, punctuation), {
          minLength: COUNT,
          maxLength: COUNT,
        }),
        async (arbitrary) => {
          const workflowIdPrefix = `${uniqueName('test')}:`;
          const place = { client, workflowIdPrefix };
          const ids = [...new Set([...AWKWARD, ...arbitrary])];
          await failAll(workflowIdPrefix, ids);
          await eventually(async () => {
            expect(await listed(workflowIdPrefix)).toEqual(ids.toSorted());
          });
          const storyOf = async (id: string) => {
            expect((await orderStory(place, id))?.runs.map(({ orderId }) => orderId)).toEqual([id]);
          };
          await pMap(ids, storyOf, CONCURRENCY);
        },
      ),
      { numRuns: 1, endOnFailure: true },
    );
  });

  test('an order ID that a query cannot express shows all its runs', async () => {
    const workflowIdPrefix = `${uniqueName('test')}:`;
    const place = { client, workflowIdPrefix };
    const id = 'EU\\17?';
    await failAll(workflowIdPrefix, [id, 'EU17?']);
    const workflowId = `${workflowIdPrefix}${id}`;
    const [first] = (await orderStory(place, id))?.runs ?? [];
    const again = await rerunOrder(
      { client, taskQueue, identity: 'a test' },
      { workflowId, runId: first?.runId ?? '' },
    );
    await eventually(async () => {
      expect((await orderStory(place, id))?.runs.map(({ runId }) => runId)).toEqual([
        again.kind === 'started' ? again.runId : 'not started',
        first?.runId,
      ]);
    });
  });

  test('a prefix that a query cannot express finds its own orders alone', async () => {
    const begin = uniqueName('test');
    const [prefix, other] = [`${begin}\\"?'`, `${begin}'?"\\`];
    await failAll(prefix, ['a', 'EU\\17']);
    await failAll(other, ['b']);
    await eventually(async () => {
      expect(await listed(prefix)).toEqual(['EU\\17', 'a']);
      expect(await listed(other)).toEqual(['b']);
    });
    expect(await hasIngestedFrom(client, { topic, workflowIdPrefix: prefix })).toBe(true);
    expect(await hasIngestedFrom(client, { topic, workflowIdPrefix: `${begin}\\` })).toBe(true);
    expect(await hasIngestedFrom(client, { topic, workflowIdPrefix: `${begin}?` })).toBe(false);
  });

  test('the longest names start a workflow, and a repeated start is recognised', async () => {
    const start = starterOf(client, uniqueName('test').padEnd(55, ':'));
    const id = 'x'.repeat(200);
    const started = await start(id, 0);
    expect(started).toMatchObject({ kind: 'started' });
    expect(await start(id, 0)).toEqual(started);
    expect(await start(id, 1)).toEqual({ kind: 'duplicate' });
    expect(await start(id, 1, 'e'.repeat(64))).toMatchObject({ kind: 'conflict' });
  });
});
