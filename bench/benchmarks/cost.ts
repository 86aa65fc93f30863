import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from '../../dev/stack/free-port.ts';
import { startOwnTemporal } from '../../test/support/own-temporal.ts';
import { createTestSystem, type TestSystem } from '../../test/support/system.ts';
import { uniqueName } from '../../test/support/stack.ts';
import type { Sample } from '../harness/compare.ts';
import { countStored } from '../harness/counts.ts';
import { fillTopic } from '../harness/fill-topic.ts';
import { startLoadWorker } from '../harness/run-load.ts';
import { settledServerCounts } from '../harness/server-counts.ts';
import { BRIDGE_CODE, WORKER_CODE } from '../harness/measured-code.ts';
import type { Benchmark } from './benchmark.ts';

const COUNTS = { full: 500, short: 100 };
const POLL_MS = 50;

/** Runs on a dedicated Temporal server, whose counters then hold nothing else. */
export const cost: Benchmark = {
  name: 'cost',
  ratio:
    'billable actions of Temporal per order, by local activity first ÷ by two regular activities',
  unit: 'actions',
  goal: { atMost: 0.67 },
  code: ['bench/benchmarks/cost.ts', ...BRIDGE_CODE, ...WORKER_CODE],
  async prepare(_, form) {
    const metricsPort = await freePort();
    const server = await startOwnTemporal(['--metrics-port', String(metricsPort)]);
    const costOf = async (startWorker: (system: TestSystem) => Promise<StoppableWorker>) => {
      const system = await createTestSystem({
        partitions: 4,
        temporalAddress: server.address,
        fastSettings: false,
      });
      const worker = await startWorker(system);
      try {
        return await measureCost(system, metricsPort, COUNTS[form]);
      } finally {
        await worker.stop();
        await system.close();
      }
    };
    return {
      subject: {
        name: 'local activity first',
        measure: () =>
          costOf(async (system) => {
            const worker = await system.startWorker();
            return { stop: () => worker.end('SIGTERM') };
          }),
      },
      baseline: {
        name: 'two regular activities',
        measure: () => costOf((system) => startLoadWorker(system.workerEnv)),
      },
      // The counts of the first order are those of any other.
      needsWarmUp: false,
      close: () => server.remove(),
    };
  },
};

interface StoppableWorker {
  stop(): Promise<unknown>;
}

async function measureCost(
  system: TestSystem,
  metricsPort: number,
  count: number,
): Promise<Sample> {
  const run = uniqueName('cost');
  const before = await settledServerCounts([metricsPort]);
  await fillTopic(system.topic, count, run);
  await system.startBridge();
  while ((await countStored(system)) < count) await delay(POLL_MS);
  // A workflow completes shortly after its row is stored.
  const query = `WorkflowId STARTS_WITH '${system.workflowId(run)}' AND ExecutionStatus = 'Completed'`;
  while ((await system.client.workflow.count(query)).count < count) await delay(POLL_MS);
  let transitions = 0;
  let events = 0;
  let bytes = 0;
  const after = await settledServerCounts([metricsPort]);
  for (let n = 0; n < count; n += 1) {
    const { raw } = await system.workflow(`${run}-${n}`).describe();
    transitions += Number(raw.workflowExecutionInfo?.stateTransitionCount);
    events += Number(raw.workflowExecutionInfo?.historyLength);
    bytes += Number(raw.workflowExecutionInfo?.historySizeBytes);
  }
  return {
    value: (after.actions - before.actions) / count,
    figures: {
      'state transitions': transitions / count,
      'history events': events / count,
      'history bytes': bytes / count,
      'gRPC calls': (after.calls.frontend - before.calls.frontend) / count,
      'calls of history': (after.calls.history - before.calls.history) / count,
      'calls of matching': (after.calls.matching - before.calls.matching) / count,
      'database calls of history': (after.persistence.history - before.persistence.history) / count,
      'database calls of matching':
        (after.persistence.matching - before.persistence.matching) / count,
    },
  };
}
