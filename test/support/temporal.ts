import { Client, Connection } from '@temporalio/client';
import { SEARCH_ATTRIBUTES } from '../../src/contract/workflow-metadata.ts';
import { addSearchAttributes } from '../../src/temporal/search-attributes.ts';
import { eventually } from './eventually.ts';
import { stackAddress } from './stack.ts';

/** Connects to the stack's Temporal, and adds the search attributes. */
export async function connectTestTemporal(
  address = stackAddress('TEMPORAL_ADDRESS'),
): Promise<Client> {
  const connection = await Connection.connect({ address });
  const client = new Client({ connection, namespace: stackAddress('TEMPORAL_NAMESPACE') });
  await addSearchAttributes(client);
  // Another test may be adding them: they are listed before queries and starts may use them.
  const query = SEARCH_ATTRIBUTES.map(({ name }) => `${name} IS NOT NULL`).join(' AND ');
  const { namespace } = client.options;
  await eventually(() => client.workflowService.countWorkflowExecutions({ namespace, query }));
  return client;
}
