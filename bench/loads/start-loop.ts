import { once } from 'node:events';
import { hash } from 'node:crypto';
import { Client, Connection, type WorkflowStartOptions } from '@temporalio/client';
import pMap from 'p-map';
import {
  FINGERPRINT_MEMO,
  SOURCE_OFFSET,
  SOURCE_PARTITION,
  SOURCE_TOPIC,
} from '../../src/contract/workflow-metadata.ts';
import { orderText } from '../harness/orders.ts';

/**
 * Starts workflows as fast as the SDK's client can, and prints how many have been started as often as the
 * bridge does in the same benchmark. Ends on SIGTERM. Its arguments are the workflow type, the prefix of the
 * workflow IDs, the number of workflows, the number of concurrent starts, and what to add to each start, as
 * the bridge does: `memo`, `search-attributes`, `summary`.
 */
const [type = '', prefix = '', count = '0', concurrency = '50', ...carried] = process.argv.slice(2);
const { TEMPORAL_ADDRESS: address = '', TEMPORAL_TASK_QUEUE: taskQueue = '' } = process.env;

const carry = (offset: number, text: string): Partial<WorkflowStartOptions> => ({
  workflowIdReusePolicy: 'REJECT_DUPLICATE',
  ...(carried.includes('memo') ? { memo: { [FINGERPRINT_MEMO]: hash('sha256', text) } } : {}),
  ...(carried.includes('search-attributes')
    ? {
        typedSearchAttributes: [
          { key: SOURCE_TOPIC, value: 'orders' },
          { key: SOURCE_PARTITION, value: 0 },
          { key: SOURCE_OFFSET, value: offset },
        ],
      }
    : {}),
  ...(carried.includes('summary')
    ? { staticSummary: `orders, partition 0, offset ${offset}` }
    : {}),
});

const connection = await Connection.connect({ address });
const client = new Client({ connection });
let started = 0;
const progress = setInterval(() => {
  console.log(started);
}, 100);
await pMap(
  Array.from({ length: Number(count) }, (_, n) => n),
  async (n) => {
    const text = orderText(`${prefix}-${n}`);
    const source = { topic: 'orders', partition: 0, offset: String(n), timestamp: 1764000000000 };
    await client.workflow.start(type, {
      taskQueue,
      workflowId: `${prefix}-${n}`,
      args: [{ text, source }],
      ...carry(n, text),
    });
    started += 1;
  },
  { concurrency: Number(concurrency) },
);
clearInterval(progress);
console.log(started);
const stayAlive = setInterval(() => undefined, 60_000);
await once(process, 'SIGTERM');
clearInterval(stayAlive);
await connection.close();
