import type { OrderRun } from './order-run.ts';
import { runStart } from '../temporal/run-start.ts';
import { startAgain, type RerunOutcome, type RerunTarget } from './start-again.ts';

/** Starts a failed order again, with the failed run's own input; named after that run. */
export async function rerunOrder(
  target: RerunTarget,
  { workflowId, runId }: Pick<OrderRun, 'workflowId' | 'runId'>,
): Promise<RerunOutcome> {
  const start = await runStart(target.client, { workflowId, runId });
  return startAgain(target, start, { workflowId, requestId: `rerun/${runId}` });
}
