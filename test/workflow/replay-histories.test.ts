import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { Worker } from '@temporalio/worker';
import { quietTemporalRuntime, WORKFLOW_BUNDLE } from '../support/test-worker.ts';

const DIR = path.join(import.meta.dirname, 'histories');

beforeAll(() => {
  quietTemporalRuntime();
});

/**
 * Orders may be retried for days, so a new version continues workflows that an older one has started. A
 * workflow that takes a different path through a recorded history would break them.
 */
test.each(readdirSync(DIR))('the workflow replays the recorded history %s', async (file) => {
  const history: unknown = JSON.parse(readFileSync(path.join(DIR, file), 'utf8'));
  await expect(
    Worker.runReplayHistory({ workflowBundle: WORKFLOW_BUNDLE }, history, file),
  ).resolves.toBeUndefined();
});
