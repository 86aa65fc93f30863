import type { TestSystem } from '../../test/support/system.ts';
import { orderText } from '../harness/orders.ts';
import type { Rival } from './rival.ts';

/** The bridge and the worker with default settings. */
export const orderIngest: Rival = {
  name: 'order-ingest',
  messageOf: orderText,
  count: 1500,
  table: 'orders',
  prepare: () => Promise.resolve(),
  async start(system) {
    const [worker, bridge] = await Promise.all([system.startWorker(), system.startBridge()]);
    return {
      pids: { bridge: bridge.pid, worker: worker.pid },
      async end(signal) {
        await Promise.all([bridge.end(signal), worker.end(signal)]);
      },
    };
  },
  groupOf: ({ topic }) => topic.groupId,
  taken: (system) => countWorkflows(system),
  async kept(system) {
    const [failed, letters] = await Promise.all([
      countWorkflows(system, "AND ExecutionStatus = 'Failed'"),
      system.topic.deadLetters(),
    ]);
    return failed + letters.length;
  },
};

async function countWorkflows(system: TestSystem, condition = ''): Promise<number> {
  const ofThisSystem = `WorkflowId STARTS_WITH '${system.workflowId('')}'`;
  return (await system.client.workflow.count(`${ofThisSystem} ${condition}`)).count;
}
