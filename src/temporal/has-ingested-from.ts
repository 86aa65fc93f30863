import type { Client } from '@temporalio/client';
import { SOURCE_TOPIC } from '../contract/search-attributes.ts';
import { quoted } from './visibility-query.ts';

/**
 * Whether Temporal knows of any order, under this prefix of workflow IDs, that came from the topic.
 * False too when all of them are older than the namespace's retention.
 */
export async function hasIngestedFrom(
  client: Client,
  { topic, workflowIdPrefix }: { readonly topic: string; readonly workflowIdPrefix: string },
): Promise<boolean> {
  const conditions = [
    `${SOURCE_TOPIC.name} = ${quoted(topic)}`,
    ...(workflowIdPrefix ? [`WorkflowId STARTS_WITH ${quoted(workflowIdPrefix)}`] : []),
  ];
  const { count } = await client.workflow.count(conditions.join(' AND '));
  return count > 0;
}
