import { Client, Connection } from '@temporalio/client';
import proto from '@temporalio/proto';
import { createWorkflowStarter } from '../../src/bridge/workflow-starter.ts';
import { SEARCH_ATTRIBUTES } from '../../src/contract/workflow-metadata.ts';
import { addSearchAttributes } from '../../src/temporal/search-attributes.ts';
import { eventually } from '../support/eventually.ts';
import { orderText } from '../support/messages.ts';
import { identifyOrder, reader } from '../support/built-in-order.ts';
import { startOwnTemporal, type OwnTemporal } from '../support/own-temporal.ts';

/** A server that, as in production, knows new search attributes only some time after they were added. */
let server: OwnTemporal;
let client: Client;
beforeEach(async () => {
  server = await startOwnTemporal([
    ...['--dynamic-config-value', 'system.forceSearchAttributesCacheRefreshOnRead=false'],
    ...['--dynamic-config-value', 'system.namespaceCacheRefreshInterval="10s"'],
  ]);
  client = new Client({ connection: await Connection.connect({ address: server.address }) });
});
afterEach(async () => {
  await client.connection.close();
  await server.remove();
});

const add = (attributes: readonly { readonly name: string; readonly type: 'KEYWORD' | 'INT' }[]) =>
  client.connection.operatorService.addSearchAttributes({
    namespace: 'default',
    searchAttributes: Object.fromEntries(
      attributes.map(({ name, type }) => [
        name,
        proto.temporal.api.enums.v1.IndexedValueType[`INDEXED_VALUE_TYPE_${type}`],
      ]),
    ),
  });

const start = () => {
  const read = identifyOrder(orderText('A-1'));
  return createWorkflowStarter({
    client,
    reader,
    taskQueue: 'orders',
    workflowIdPrefix: 'order:',
    identity: 'a test',
    timeoutMs: 60_000,
    maxInputBytes: 100_000,
  }).start(
    {
      ...read,
      message: {
        text: read.text,
        source: { topic: 'orders', partition: 0, offset: '0', timestamp: '0' },
      },
    },
    new AbortController().signal,
  );
};

test('retries an order while the server does not know a new search attribute yet', async () => {
  // Once it knows this one, it has just looked, and does not look again for 10 s.
  await add([{ name: 'Marker', type: 'KEYWORD' }]);
  await eventually(() =>
    client.workflowService.countWorkflowExecutions({
      namespace: 'default',
      query: 'Marker IS NOT NULL',
    }),
  );
  await add(SEARCH_ATTRIBUTES);
  await expect(start()).rejects.toThrow(/no mapping defined for search attribute Source/);
  await eventually(async () => {
    expect(await start()).toMatchObject({ kind: 'started' });
  });
});

test('setup returns once the server knows the search attributes that it has added', async () => {
  await addSearchAttributes(client);
  expect(await start()).toMatchObject({ kind: 'started' });
});
