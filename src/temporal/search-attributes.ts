import { isGrpcServiceError, type Client } from '@temporalio/client';
import { status, type ServiceError } from '@grpc/grpc-js';
import proto from '@temporalio/proto';
import pRetry from 'p-retry';
import { SEARCH_ATTRIBUTES } from '../contract/search-attributes.ts';
import { describeError, OperatorError } from '../program/operator-error.ts';

/** How often, and how many times, a server is asked whether it knows a new attribute. */
const USABLE = { factor: 1, minTimeout: 100, retries: 300 };

/**
 * Adds the search attributes that the namespace lacks, and waits up to half a minute until the server
 * that was asked knows them. Answers with their names.
 */
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
  const query = missing.map((name) => `${name} IS NOT NULL`).join(' AND ');
  const { namespace } = client.options;
  await pRetry(() => client.workflowService.countWorkflowExecutions({ namespace, query }), {
    ...USABLE,
    shouldRetry: ({ error }) => isInvalidArgument(error),
  });
  return missing;
}

const isInvalidArgument = (error: unknown): error is ServiceError =>
  isGrpcServiceError(error) && error.code === status.INVALID_ARGUMENT;

/**
 * Whether Temporal has refused a call for one of our search attributes. Their values are always right:
 * one is missing, or has been added so lately that this server does not know it yet.
 */
export const concernsSearchAttributes = (error: unknown): boolean =>
  isInvalidArgument(error) &&
  SEARCH_ATTRIBUTES.some(({ name }) => error.details.includes(`search attribute ${name}`));

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
