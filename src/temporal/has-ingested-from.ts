import type { Client } from '@temporalio/client';
import { SOURCE_TOPIC } from '../contract/workflow-metadata.ts';
import { callWithRetry } from './call-with-retry.ts';
import { isExpressible, quoted, startsWith } from './visibility-query.ts';

/**
 * Whether Temporal knows of any order, under this prefix of workflow IDs, that came from the topic.
 * False too when all of them are older than the namespace's retention.
 */
export async function hasIngestedFrom(
  client: Client,
  { topic, workflowIdPrefix }: { readonly topic: string; readonly workflowIdPrefix: string },
): Promise<boolean> {
  const { namespace } = client.options;
  const query = [
    `${SOURCE_TOPIC.name} = ${quoted(topic)}`,
    ...startsWith('WorkflowId', workflowIdPrefix),
  ].join(' AND ');
  const { count } = await callWithRetry(client, () =>
    client.workflowService.countWorkflowExecutions({ namespace, query }),
  );
  if (Number(count) === 0 || isExpressible(workflowIdPrefix)) return Number(count) > 0;
  let nextPageToken: Uint8Array = new Uint8Array();
  do {
    const request = { namespace, query, nextPageToken };
    const page = await callWithRetry(client, () =>
      client.workflowService.listWorkflowExecutions(request),
    );
    const isOurs = (id: string | null | undefined) => id?.startsWith(workflowIdPrefix) ?? false;
    if (page.executions.some(({ execution }) => isOurs(execution?.workflowId))) return true;
    nextPageToken = page.nextPageToken;
  } while (nextPageToken.length > 0);
  return false;
}
