import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { Worker } from '@temporalio/worker';
import { quietTemporalRuntime, WORKFLOW_BUNDLE } from '../support/test-worker.ts';

const DIR = path.join(import.meta.dirname, 'histories');

beforeAll(() => {
  quietTemporalRuntime();
});

/**
 * Orders are retried for days: a deployment meets workflows that an older version began. A change of
 * the workflow that takes another path through these histories would break them.
 */
test.each(readdirSync(DIR))('the workflow still follows the recorded history %s', async (file) => {
  const history: unknown = JSON.parse(readFileSync(path.join(DIR, file), 'utf8'));
  await expect(
    Worker.runReplayHistory({ workflowBundle: WORKFLOW_BUNDLE }, history, file),
  ).resolves.toBeUndefined();
});
