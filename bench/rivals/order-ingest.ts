import { clearLockedPorts } from 'get-port';
import { stackPlaces } from '../../dev/stack/places.ts';
import { stopProcess, type ProcessIdentity } from '../../dev/stack/process-identity.ts';
import type { TemporalKind } from '../../dev/stack/service.ts';
import { quietly } from '../../dev/stack/show-steps.ts';
import { startStack, stopStack } from '../../dev/stack/stack.ts';
import { readState } from '../../dev/stack/state.ts';
import { dropDatabase } from '../../test/support/database.ts';
import { runCli } from '../../test/support/programs.ts';
import { uniqueName } from '../../test/support/stack.ts';
import { createTestSystem, type TestSystem } from '../../test/support/system.ts';
import { orderText } from '../harness/orders.ts';
import { PARTITIONS } from './open-system.ts';
import type { Kept, OpenRival, Rival, RivalServer, RunningRival } from './rival.ts';

/** How order-ingest runs: its programs with default settings, and the Temporal server that they use. */
export interface Deployment {
  readonly name: string;
  readonly temporal: TemporalKind;
  readonly start: (system: TestSystem) => Promise<RunningRival>;
}

/** The bridge and the worker, as two programs. */
export async function bridgeAndWorker(system: TestSystem): Promise<RunningRival> {
  const [worker, bridge] = await Promise.all([system.startWorker(), system.startBridge()]);
  return {
    pids: { bridge: bridge.pid, worker: worker.pid },
    async end(signal) {
      await Promise.all([bridge.end(signal), worker.end(signal)]);
    },
  };
}

/** `order-ingest run`: both in one process. */
export async function inOneProcess(system: TestSystem): Promise<RunningRival> {
  const both = await system.startBoth();
  return {
    pids: { run: both.pid },
    async end(signal) {
      await both.end(signal);
    },
  };
}

export const orderIngest = ({ name, temporal, start }: Deployment): Rival => ({
  name,
  count: 1500,
  hasServer: true,
  async open(): Promise<OpenRival> {
    const server = await startTemporal(temporal);
    const system = await createTestSystem({
      partitions: PARTITIONS,
      fastSettings: false,
      temporalAddress: server.address,
    });
    const { topic, database } = system;
    return {
      topic,
      database,
      table: 'orders',
      messageOf: orderText,
      groupId: topic.groupId,
      server,
      async start() {
        await server.start();
        return start(system);
      },
      taken: () => countWorkflows(system),
      async kept() {
        const [workflows, letters] = await Promise.all([
          failedWorkflows(system),
          topic.deadLetters(),
        ]);
        return [
          ...workflows,
          ...letters.map(({ reason, key }) => ({ as: 'dead letter', reason, id: key ?? '' })),
        ];
      },
      rerun: {
        how: '`order-ingest orders rerun`',
        async run(orderId) {
          const result = await runCli(['orders', 'rerun', orderId, '--wait'], {
            ...system.bridgeEnv,
            ...system.workerEnv,
          });
          if (result.exitCode !== 0) throw new Error(result.stderr);
        },
      },
      async close() {
        await system.close();
        await server.remove();
      },
    };
  },
});

const ofSystem = (system: TestSystem) => `WorkflowId STARTS_WITH '${system.workflowId('')}'`;

async function countWorkflows(system: TestSystem): Promise<number> {
  return (await system.client.workflow.count(ofSystem(system))).count;
}

async function failedWorkflows(system: TestSystem): Promise<readonly Kept[]> {
  const query = `${ofSystem(system)} AND ExecutionStatus = 'Failed'`;
  const failed: Kept[] = [];
  for await (const { workflowId, memo } of system.client.workflow.list({ query })) {
    failed.push({
      as: 'failed workflow',
      reason: JSON.stringify(memo),
      id: workflowId.slice(system.workflowId('').length),
    });
  }
  return failed;
}

interface Temporal extends RivalServer {
  readonly address: string;
  start(): Promise<void>;
  remove(): Promise<void>;
}

/** An empty Temporal server with its data on disk: the dev server as `npm start` runs it, or one on Postgres. */
async function startTemporal(temporalKind: TemporalKind): Promise<Temporal> {
  const name = uniqueName('rival');
  const start = () =>
    startStack(
      {
        name,
        ephemeral: true,
        durable: true,
        temporalKind,
        env: { ...process.env, TEMPORAL_ADDRESS: '' },
      },
      quietly,
    );
  const running = (): ProcessIdentity => {
    const state = readState(stackPlaces(name))?.services.temporal;
    if (state?.source !== 'process' || !state.process) throw new Error('Temporal is not running');
    return state.process;
  };
  const { TEMPORAL_ADDRESS: address = '' } = await start();
  return {
    name: 'temporal',
    address,
    pid: () => running().pid,
    kill: () => stopProcess(running(), 'SIGKILL', 5000),
    async start() {
      // get-port never returns a port twice within one process.
      clearLockedPorts();
      await start();
    },
    async remove() {
      await stopStack(name);
      if (temporalKind === 'postgres')
        await Promise.all(TEMPORAL_DATABASES.map((database) => dropDatabase(database)));
    },
  };
}

const TEMPORAL_DATABASES = ['temporal', 'temporal_visibility'];
