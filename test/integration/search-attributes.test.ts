import { status } from '@grpc/grpc-js';
import { Client, Connection } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time.js';
import proto from '@temporalio/proto';
import { SEARCH_ATTRIBUTES } from '../../src/contract/workflow-metadata.ts';
import {
  addSearchAttributes,
  checkSearchAttributes,
} from '../../src/temporal/search-attributes.ts';
import { eventually } from '../support/eventually.ts';
import { startGrpcProxy } from '../support/grpc-proxy.ts';
import { stackAddress, TEMPORAL_SERVERS, uniqueName } from '../support/stack.ts';

type TypeName = 'KEYWORD' | 'INT';
const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** A namespace of the test's own, with these search attributes. */
async function namespaceWith(
  address: string,
  attributes: Readonly<Record<string, TypeName>>,
): Promise<string> {
  const connection = await Connection.connect({ address });
  closing.push(() => connection.close());
  const namespace = uniqueName('namespace');
  await connection.workflowService.registerNamespace({
    namespace,
    workflowExecutionRetentionPeriod: msToTs('1 day'),
  });
  // The server's cache of namespaces learns of a new one a little later.
  await eventually(() => connection.operatorService.listSearchAttributes({ namespace }));
  if (Object.keys(attributes).length > 0) {
    await connection.operatorService.addSearchAttributes({
      namespace,
      searchAttributes: Object.fromEntries(
        Object.entries(attributes).map(([name, type]) => [
          name,
          proto.temporal.api.enums.v1.IndexedValueType[`INDEXED_VALUE_TYPE_${type}`],
        ]),
      ),
    });
  }
  return namespace;
}

async function connect(address: string, namespace: string): Promise<Client> {
  const connection = await Connection.connect({ address });
  closing.push(() => connection.close());
  return new Client({ connection, namespace });
}

/** The address of a proxy that rejects these calls. */
async function rejecting(
  address: string,
  calls: RegExp,
  code = status.PERMISSION_DENIED,
): Promise<string> {
  const proxy = await startGrpcProxy(address);
  proxy.reject(calls, { code, message: 'Request unauthorized.' });
  closing.push(() => proxy.close());
  return proxy.address;
}

/** As Temporal Cloud answers a namespace's API key. */
function withoutOperator(address: string, code = status.PERMISSION_DENIED): Promise<string> {
  return rejecting(address, /OperatorService/, code);
}

const ALL: Readonly<Record<string, TypeName>> = Object.fromEntries(
  SEARCH_ATTRIBUTES.map(({ name, type }) => [name, type]),
);

describe.each(TEMPORAL_SERVERS)('on Temporal with %s', (_, server) => {
  const address = () => stackAddress(server);

  test('an attribute of another type is named by setup and by the check, with the fix', async () => {
    const namespace = await namespaceWith(address(), { SourcePartition: 'KEYWORD' });
    const client = await connect(address(), namespace);
    const expected = {
      message: `Temporal's namespace "${namespace}" lacks the search attributes SourceTopic, SourceOffset, FailureType; it has a search attribute SourcePartition of type Keyword, where order-ingest needs Int`,
      remedy: expect.stringContaining(
        `temporal operator search-attribute remove --namespace ${namespace} --name SourcePartition`,
      ),
    };
    await expect(addSearchAttributes(client)).rejects.toMatchObject(expected);
    await expect(checkSearchAttributes(client)).rejects.toMatchObject(expected);
  });

  test('a namespace without room for them is named, with what takes it', async () => {
    const namespace = await namespaceWith(address(), { Weight: 'INT', Height: 'INT' });
    const client = await connect(address(), namespace);
    const expected = {
      message: expect.stringMatching(
        /lacks the search attributes .*; it holds 3 search attributes of type Int at most, and has (Weight, Height|Height, Weight) already/,
      ),
      remedy: expect.stringContaining('--name NAME'),
    };
    await expect(addSearchAttributes(client)).rejects.toMatchObject(expected);
    await expect(checkSearchAttributes(client)).rejects.toMatchObject(expected);
  });

  test('they are found without the operator service', async () => {
    const namespace = await namespaceWith(address(), ALL);
    const client = await connect(await withoutOperator(address()), namespace);
    await expect(checkSearchAttributes(client)).resolves.toBe('present');
    await expect(addSearchAttributes(client)).resolves.toEqual([]);
  });

  test("where they may be listed and not added, Temporal Cloud's way is named", async () => {
    const namespace = await namespaceWith(address(), {});
    const client = await connect(await rejecting(address(), /AddSearchAttributes/), namespace);
    await expect(addSearchAttributes(client)).rejects.toMatchObject({
      remedy: expect.stringContaining('tcld namespace search-attributes add'),
    });
  });

  test("without the operator service what is missing is named, with Temporal Cloud's way", async () => {
    const namespace = await namespaceWith(address(), {
      SourceTopic: 'KEYWORD',
      SourcePartition: 'KEYWORD',
    });
    const client = await connect(await withoutOperator(address(), status.UNIMPLEMENTED), namespace);
    const expected = {
      message: `Temporal's namespace "${namespace}" lacks the search attributes SourceOffset, FailureType; it has a search attribute SourcePartition of type Keyword, where order-ingest needs Int`,
      remedy: expect.stringContaining(
        `tcld namespace search-attributes add --namespace ${namespace} --search-attribute "SourceOffset=Int" --search-attribute "FailureType=Keyword" --search-attribute "SourcePartition=Int"`,
      ),
    };
    await expect(addSearchAttributes(client)).rejects.toMatchObject(expected);
    await expect(checkSearchAttributes(client)).rejects.toMatchObject(expected);
  });
});

test('a caller who may neither list nor query may start, and is not sure', async () => {
  const address = stackAddress('TEMPORAL_ADDRESS');
  const namespace = await namespaceWith(address, {});
  const proxied = await rejecting(address, /OperatorService|CountWorkflowExecutions/);
  const client = await connect(proxied, namespace);
  await expect(checkSearchAttributes(client)).resolves.toBe('unknown');
});
