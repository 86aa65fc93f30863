import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { StackError } from './stack/stack-error.ts';
import { PROJECT_DIR } from './stack/places.ts';

/**
 * Records a workflow's history for test/workflow/replay-histories.test.ts:
 * `node --import tsx dev/record-histories.ts WORKFLOW_ID NAME`, against TEMPORAL_ADDRESS.
 */
const [workflowId, name] = process.argv.slice(2);
if (!workflowId || !name) throw new StackError('usage: record-histories WORKFLOW_ID NAME');
const connection = await Connection.connect({
  address: process.env['TEMPORAL_ADDRESS'] ?? 'localhost:7233',
});
const history = await new Client({ connection }).workflow.getHandle(workflowId).fetchHistory();
await connection.close();
const dir = path.join(PROJECT_DIR, 'test/workflow/histories');
mkdirSync(dir, { recursive: true });
const anonymous = JSON.stringify(JSON.parse(historyToJSON(history)), withoutMachine, 1);
writeFileSync(path.join(dir, `${name}.json`), `${anonymous}\n`);

/** Removes what identifies the machine. A replay does not read any of it. */
function withoutMachine(key: string, value: unknown): unknown {
  if (key === 'stackTrace') return '';
  if (key === 'identity') return 'worker';
  return typeof value === 'object' && value !== null && 'normalName' in value
    ? { ...value, name: 'sticky' }
    : value;
}
