import { Client, Connection } from '@temporalio/client';
import { addSearchAttributes } from '../../src/temporal/search-attributes.ts';
import { stackAddress } from './stack.ts';

/** A client of the stack's Temporal, with the search attributes in place. */
export async function connectTestTemporal(
  address = stackAddress('TEMPORAL_ADDRESS'),
): Promise<Client> {
  const connection = await Connection.connect({ address });
  const client = new Client({ connection, namespace: stackAddress('TEMPORAL_NAMESPACE') });
  await addSearchAttributes(client);
  return client;
}
