import type { Client } from '@temporalio/client';

/** All text that Temporal has of a workflow: every string and every sequence of bytes of its latest run. */
export async function textOfWorkflow(
  { workflowService, options: { namespace } }: Client,
  workflowId: string,
): Promise<string> {
  const described = await workflowService.describeWorkflowExecution({
    namespace,
    execution: { workflowId },
  });
  const runId = described.workflowExecutionInfo?.execution?.runId ?? '';
  const { history } = await workflowService.getWorkflowExecutionHistory({
    namespace,
    execution: { workflowId, runId },
  });
  return [...textsIn(described), ...textsIn(history)].join('\n');
}

function* textsIn(value: unknown): Generator<string> {
  if (typeof value === 'string') yield value;
  else if (value instanceof Uint8Array) yield Buffer.from(value).toString();
  else if (typeof value === 'object' && value !== null) {
    for (const part of Object.values(value)) yield* textsIn(part);
  }
}

/** What only the samples of orders and the descriptions of their failures contain, and no ciphertext by chance. */
export const READABLE = /Lovelace|customer_name|line_items|99\.95|Not a valid|SQLSTATE|no sign/;
