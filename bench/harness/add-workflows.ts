import { setTimeout as delay } from 'node:timers/promises';
import type { BenchStack } from './bench-stack.ts';
import { createOrderSystem, type OrderSystem } from './order-system.ts';
import { openTemporalDatabase } from './temporal-database.ts';

const POLL_MS = 200;

/**
 * Writes so many completed workflows to the databases of the Temporal server on Postgres: copies of that of one order.
 */
export async function addWorkflows({ pids }: BenchStack, count: number): Promise<void> {
  const orders = await createOrderSystem(pids);
  const database = await openTemporalDatabase();
  try {
    await orders.ingest(1);
    await database.addCopies(await completedRun(orders), count);
    await database.vacuum();
  } finally {
    await database.close();
    await orders.close();
  }
}

/** Waits until visibility shows a completed workflow, and returns its run ID. */
async function completedRun({ system }: OrderSystem): Promise<string> {
  const query = `WorkflowId STARTS_WITH '${system.workflowId('')}' AND ExecutionStatus = 'Completed'`;
  for (;;) {
    for await (const { runId } of system.client.workflow.list({ query })) return runId;
    await delay(POLL_MS);
  }
}
