import { INGEST_ORDER } from '../../src/contract/ingest-workflow.ts';
import { stackAddress, uniqueName } from '../../test/support/stack.ts';
import type { Sample } from './compare.ts';
import { measureRate } from './processes.ts';
import { startStartLoop, type Carried } from './run-load.ts';

/** The bridge's default. */
const CONCURRENCY = 50;

/**
 * Measures `client.workflow.start` alone. No worker runs the workflows.
 *
 * @param pids the processes of the servers
 */
export async function measureBareStarts(
  pids: Readonly<Record<string, number>>,
  count: number,
  carries: readonly Carried[],
): Promise<Sample> {
  const env = {
    TEMPORAL_ADDRESS: stackAddress('TEMPORAL_ADDRESS'),
    TEMPORAL_TASK_QUEUE: uniqueName('no-worker'),
  };
  const client = await startStartLoop(env, {
    type: INGEST_ORDER,
    prefix: uniqueName('order'),
    count,
    concurrency: CONCURRENCY,
    carries,
  });
  const sample = await measureRate(
    { pids: { client: client.pid, ...pids }, done: client.done },
    count,
  );
  await client.stop();
  return sample;
}
