import fc from 'fast-check';
import pMap from 'p-map';
import type { Client } from '@temporalio/client';
import { createWorkflowStarter } from '../../src/bridge/workflow-starter.ts';
import { LOW_PRIORITY } from '../../src/contract/priority.ts';
import { parseOrderId } from '../../src/contract/order-id.ts';
import { readWorkflowDetails } from '../../src/operate/orders/order-details.ts';
import { rerunOrder } from '../../src/operate/orders/rerun-orders.ts';
import { hasIngestedFrom, listOrders } from '../../src/temporal/order-visibility.ts';
import { arbitraryOrderId } from '../support/arbitrary-order.ts';
import { eventually } from '../support/eventually.ts';
import { stackAddress, TEMPORAL_SERVERS, uniqueName } from '../support/stack.ts';
import { useTemporalOnPostgres } from '../support/temporal-on-postgres.ts';
import { reader } from '../support/built-in-order.ts';
import { connectTestTemporal } from '../support/temporal.ts';

/** IDs of characters that have a meaning in queries. */
const punctuation = fc
  .stringMatching(/^[\\?'"%_!:;\-/*#()`$@&|, aA1]{1,12}$/)
  .filter((id) => parseOrderId(id).ok);

/** Pairs of IDs that a lookup may confuse, and IDs that may break a query. */
const AWKWARD = [
  ...['EU17', 'EU\\17', 'X\\', 'A?1', 'A', '?', "O'Brien", "O'", "O''", 'say "hi"', '"', '\\"'],
  ...['100%', '100', 'a_b', 'a!b', "' OR WorkflowId != '", 'a-1', 'A-1', '\\\\', '--', '/*', '🛒'],
  'x'.repeat(200),
];

/** More than are described one by one. */
const COUNT = 80;

const CONCURRENCY = { concurrency: 16 };

/** The longest names that Kafka and the settings allow. */
const topic = 't'.repeat(249);
const taskQueue = uniqueName('queue').padEnd(200, 'q');

const starterOf = (client: Client, workflowIdPrefix: string) => {
  const starter = createWorkflowStarter({
    client,
    reader,
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
    return starter.start(
      { orderId: orderId.value, fingerprint, message: { text: '{}', source } },
      new AbortController().signal,
    );
  };
};

useTemporalOnPostgres();

describe.each(TEMPORAL_SERVERS)('on Temporal with %s', (_, server) => {
  let client: Client;
  beforeAll(async () => {
    client = await connectTestTemporal(stackAddress(server));
  });
  afterAll(() => client.connection.close());

  /** Starts workflows for the orders and terminates them. */
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

  test('lists every valid order ID, and shows each with its own runs only', async () => {
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
          const findOne = async (id: string) => {
            const details = await readWorkflowDetails(place, id);
            expect(details?.runs.map(({ orderId }) => orderId)).toEqual([id]);
          };
          await pMap(ids, findOne, CONCURRENCY);
        },
      ),
      { numRuns: 1, endOnFailure: true },
    );
  });

  test('shows all runs of an order whose ID a query cannot express', async () => {
    const workflowIdPrefix = `${uniqueName('test')}:`;
    const place = { client, workflowIdPrefix };
    const id = 'EU\\17?';
    await failAll(workflowIdPrefix, [id, 'EU17?']);
    const workflowId = `${workflowIdPrefix}${id}`;
    const [first] = (await readWorkflowDetails(place, id))?.runs ?? [];
    const rerun = await rerunOrder(
      { client, taskQueue, identity: 'a test' },
      { workflowId, runId: first?.runId ?? '' },
      LOW_PRIORITY,
    );
    await eventually(async () => {
      expect((await readWorkflowDetails(place, id))?.runs.map(({ runId }) => runId)).toEqual([
        rerun.kind === 'started' ? rerun.runId : 'not started',
        first?.runId,
      ]);
    });
  });

  test('finds only the orders of its own prefix when a query cannot express the prefix', async () => {
    const begin = uniqueName('test');
    const [prefix, other] = [`${begin}\\"?'`, `${begin}'?"\\`];
    await failAll(prefix, ['a', 'EU\\17']);
    await failAll(other, ['b']);
    await eventually(async () => {
      expect(await listed(prefix)).toEqual(['EU\\17', 'a']);
      expect(await listed(other)).toEqual(['b']);
    });
    expect(await hasIngestedFrom({ client, workflowIdPrefix: prefix }, topic)).toBe(true);
    expect(await hasIngestedFrom({ client, workflowIdPrefix: `${begin}\\` }, topic)).toBe(true);
    expect(await hasIngestedFrom({ client, workflowIdPrefix: `${begin}?` }, topic)).toBe(false);
  });

  test('starts a workflow with the longest names, and recognizes a repeated start', async () => {
    const start = starterOf(client, uniqueName('test').padEnd(55, ':'));
    const id = 'x'.repeat(200);
    const started = await start(id, 0);
    expect(started).toMatchObject({ kind: 'started' });
    expect(await start(id, 0)).toEqual(started);
    expect(await start(id, 1)).toEqual({ kind: 'duplicate' });
    expect(await start(id, 1, 'e'.repeat(64))).toMatchObject({ kind: 'conflict' });
  });
});
