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
import { useTemporalOnPostgres } from '../support/temporal-on-postgres.ts';

type TypeName = 'KEYWORD' | 'INT';
const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** Registers a namespace with these search attributes. */
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
  // The server caches namespaces, so that a new one is known a little later.
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

useTemporalOnPostgres();

describe.each(TEMPORAL_SERVERS)('on Temporal with %s', (_, server) => {
  const address = () => stackAddress(server);

  test('setup and the check report an attribute of another type, with the fix', async () => {
    const namespace = await namespaceWith(address(), { SourcePartition: 'KEYWORD' });
    const client = await connect(address(), namespace);
    const expected = {
      code: 'SEARCH_ATTRIBUTES_MISSING',
      message: expect.stringMatching(
        /SourceTopic, SourceOffset, FailureType;.* SourcePartition of type Keyword/,
      ),
      fix: expect.stringContaining(
        `temporal operator search-attribute remove --namespace ${namespace} --name SourcePartition`,
      ),
    };
    await expect(addSearchAttributes(client)).rejects.toMatchObject(expected);
    await expect(checkSearchAttributes(client)).rejects.toMatchObject(expected);
  });

  test('setup and the check report a namespace without room, and what occupies it', async () => {
    const namespace = await namespaceWith(address(), { Weight: 'INT', Height: 'INT' });
    const client = await connect(address(), namespace);
    const expected = {
      code: 'SEARCH_ATTRIBUTES_MISSING',
      message: expect.stringMatching(
        /3 search attributes of type Int .*(Weight, Height|Height, Weight)/,
      ),
      fix: expect.stringContaining('--name NAME'),
    };
    await expect(addSearchAttributes(client)).rejects.toMatchObject(expected);
    await expect(checkSearchAttributes(client)).rejects.toMatchObject(expected);
  });

  test('finds the attributes without the operator service', async () => {
    const namespace = await namespaceWith(address(), ALL);
    const client = await connect(await withoutOperator(address()), namespace);
    await expect(checkSearchAttributes(client)).resolves.toBe('present');
    await expect(addSearchAttributes(client)).resolves.toEqual([]);
  });

  test('names the command for Temporal Cloud when attributes may be listed but not added', async () => {
    const namespace = await namespaceWith(address(), {});
    const client = await connect(await rejecting(address(), /AddSearchAttributes/), namespace);
    await expect(addSearchAttributes(client)).rejects.toMatchObject({
      code: 'SEARCH_ATTRIBUTES_MISSING',
      fix: expect.stringContaining('tcld namespace search-attributes add'),
    });
  });

  test('reports missing attributes without the operator service, with the command for Temporal Cloud', async () => {
    const namespace = await namespaceWith(address(), {
      SourceTopic: 'KEYWORD',
      SourcePartition: 'KEYWORD',
    });
    const client = await connect(await withoutOperator(address(), status.UNIMPLEMENTED), namespace);
    const expected = {
      code: 'SEARCH_ATTRIBUTES_MISSING',
      message: expect.stringMatching(
        /SourceOffset, FailureType;.* SourcePartition of type Keyword/,
      ),
      fix: expect.stringContaining(
        `tcld namespace search-attributes add --namespace ${namespace} --search-attribute "SourceOffset=Int" --search-attribute "FailureType=Keyword" --search-attribute "SourcePartition=Int"`,
      ),
    };
    await expect(addSearchAttributes(client)).rejects.toMatchObject(expected);
    await expect(checkSearchAttributes(client)).rejects.toMatchObject(expected);
  });
});

test('the check returns unknown to a caller who may neither list nor query', async () => {
  const address = stackAddress('TEMPORAL_ADDRESS');
  const namespace = await namespaceWith(address, {});
  const proxied = await rejecting(address, /OperatorService|CountWorkflowExecutions/);
  const client = await connect(proxied, namespace);
  await expect(checkSearchAttributes(client)).resolves.toBe('unknown');
});
