import type { Client } from '@temporalio/client';
import proto from '@temporalio/proto';
import { SEARCH_ATTRIBUTES } from '../contract/search-attributes.ts';
import { describeError, OperatorError } from '../program/operator-error.ts';

/** Adds the search attributes that the namespace lacks; answers with their names. */
export async function addSearchAttributes(client: Client): Promise<readonly string[]> {
  const missing = await missingSearchAttributes(client);
  if (missing.length === 0) return missing;
  await client.connection.operatorService.addSearchAttributes({
    namespace: client.options.namespace,
    searchAttributes: Object.fromEntries(
      SEARCH_ATTRIBUTES.filter(({ name }) => missing.includes(name)).map(({ name, type }) => [
        name,
        proto.temporal.api.enums.v1.IndexedValueType[`INDEXED_VALUE_TYPE_${type}`],
      ]),
    ),
  });
  return missing;
}

/** Throws an OperatorError when one is missing, as every start would be refused, or when it cannot be told. */
export async function checkSearchAttributes(client: Client): Promise<void> {
  const missing = await missingSearchAttributes(client).catch((error: unknown) => {
    throw new OperatorError(
      `Temporal does not say which search attributes it has: ${describeError(error)}`,
      'see whether its frontend and its database are well, and try again',
      { cause: error },
    );
  });
  if (missing.length === 0) return;
  throw new OperatorError(
    `Temporal's namespace "${client.options.namespace}" lacks the search attributes ${missing.join(', ')}`,
    'run `order-ingest setup --only temporal`',
  );
}

async function missingSearchAttributes(client: Client): Promise<readonly string[]> {
  const { customAttributes } = await client.connection.operatorService.listSearchAttributes({
    namespace: client.options.namespace,
  });
  return SEARCH_ATTRIBUTES.map(({ name }) => name).filter((name) => !(name in customAttributes));
}
