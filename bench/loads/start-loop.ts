import { Client, Connection } from '@temporalio/client';
import pMap from 'p-map';
import { orderText } from '../harness/orders.ts';

/**
 * Starts workflows as fast as the SDK's client does it, so many at once, and prints how long it took
 * as `{"seconds": 1.5}`. Its arguments: workflow type, prefix of the workflow IDs, how many, how many
 * at once.
 */
const [type = '', prefix = '', count = '0', concurrency = '50'] = process.argv.slice(2);
const { TEMPORAL_ADDRESS: address = '', TEMPORAL_TASK_QUEUE: taskQueue = '' } = process.env;

const connection = await Connection.connect({ address });
const client = new Client({ connection });
const begin = performance.now();
await pMap(
  Array.from({ length: Number(count) }, (_, n) => n),
  (n) => {
    const text = orderText(`${prefix}-${n}`);
    const source = { topic: 'orders', partition: 0, offset: String(n), timestamp: 1764000000000 };
    return client.workflow.start(type, {
      taskQueue,
      workflowId: `${prefix}-${n}`,
      args: [{ text, source }],
    });
  },
  { concurrency: Number(concurrency) },
);
console.log(JSON.stringify({ seconds: (performance.now() - begin) / 1000 }));
await connection.close();
