import { Client, Connection } from '@temporalio/client';
import { addSearchAttributes } from '../../src/temporal/search-attributes.ts';
import { stackAddress } from './stack.ts';

/** Connects to the stack's Temporal, and adds the search attributes. */
export async function connectTestTemporal(
  address = stackAddress('TEMPORAL_ADDRESS'),
): Promise<Client> {
  const connection = await Connection.connect({ address });
  const client = new Client({ connection, namespace: stackAddress('TEMPORAL_NAMESPACE') });
  await addSearchAttributes(client);
  return client;
}
