import { setTimeout as delay } from 'node:timers/promises';
import { createLoad, type Load } from '../../fault/harness/load.ts';
import { sampleCommits, type CommitSampler } from '../../fault/harness/committed-offsets.ts';
import { createRandom } from '../../fault/harness/random.ts';
import { PARTITIONS } from '../../fault/harness/world.ts';
import { eventually } from '../../support/eventually.ts';
import { startOwnTemporal } from '../../support/own-temporal.ts';
import { runCli, type ProgramEnv, type RunningProgram } from '../../support/programs.ts';
import { stackAddress, uniqueName } from '../../support/stack.ts';
import { createTestSystem, type TestSystem } from '../../support/system.ts';
import { startTcpProxy, type TcpProxy } from '../../support/tcp-proxy.ts';
import type { Build } from './builds.ts';

/** `npm run test:upgrades -- --help` explains how to set them. */
const SEED = Number(process.env['UPGRADE_SEED'] ?? Math.floor(Math.random() * 1_000_000));
const ORDERS = Number(process.env['UPGRADE_ORDERS'] ?? 150);
const PER_SECOND = Number(process.env['UPGRADE_RATE'] ?? 25);

/** Names the run in the title of a test. */
export const RUN = `seed ${SEED}, ${ORDERS} messages at ${PER_SECOND} per second`;

/** A busy machine may take long; a run without progress fails earlier. */
export const TIMEOUT_MS = (ORDERS / PER_SECOND) * 1000 + 600_000;

/** The system that is upgraded, under load. Workers reach Postgres through a link that can be cut. */
export interface VersionsWorld {
  readonly servers: { readonly kafka: string };
  readonly system: TestSystem;
  readonly load: Load;
  readonly sampler: CommitSampler;
  readonly postgres: TcpProxy;
  readonly deploymentName: string;
  /** Every program that was started. */
  readonly programs: readonly RunningProgram[];
  startBridge(build: Build): Promise<RunningProgram>;
  /** @param buildId runs the worker with versioning */
  startWorker(build: Build, buildId?: string, env?: ProgramEnv): Promise<RunningProgram>;
  /** Runs `order-ingest deploy` and returns its JSON output. */
  deploy(...args: string[]): Promise<Readonly<Record<string, unknown>>>;
  /** Waits until at least this many orders are being retried, after `postgres.cut()`. */
  retrying(count: number): Promise<void>;
  /**
   * Sends the load, and runs the steps one after the other while it flows, each with its share of the
   * messages. Sends until all steps are done.
   */
  underLoad(steps: readonly (() => Promise<unknown>)[]): Promise<void>;
  close(): Promise<void>;
}

/** Has the server check every second whether a version is drained, instead of every three minutes. */
const QUICK_DRAINAGE = [
  'matching.wv.VersionDrainageStatusVisibilityGracePeriod="1s"',
  'matching.wv.VersionDrainageStatusRefreshInterval="1s"',
  // As in production. The dev server would read the search attributes from its database per workflow.
  'system.forceSearchAttributesCacheRefreshOnRead=false',
].flatMap((value) => ['--dynamic-config-value', value]);

export async function createVersionsWorld(): Promise<VersionsWorld> {
  const kafka = stackAddress('KAFKA_BROKERS');
  const temporal = await startOwnTemporal(QUICK_DRAINAGE);
  const system = await createTestSystem({
    partitions: PARTITIONS,
    temporalAddress: temporal.address,
  });
  const { topic, client } = system;
  const load = createLoad(kafka, topic.name, PARTITIONS, createRandom(SEED));
  const sampler = sampleCommits(kafka, topic.name, topic.groupId);
  const databaseUrl = new URL(system.database.url);
  const postgres = await startTcpProxy(databaseUrl.host);
  databaseUrl.host = `127.0.0.1:${postgres.port}`;
  const deploymentName = uniqueName('deployment');
  const programs: RunningProgram[] = [];
  const started = (program: RunningProgram) => {
    programs.push(program);
    return program;
  };
  return {
    servers: { kafka },
    system,
    load,
    sampler,
    postgres,
    deploymentName,
    programs,
    startBridge: async ({ main }) =>
      started(await system.startBridge({ BRIDGE_BREAKER_MAX_PERCENT: '100' }, main)),
    startWorker: async ({ main }, buildId, env = {}) =>
      started(
        await system.startWorker(
          {
            DATABASE_URL: databaseUrl.href,
            ...(buildId === undefined
              ? {}
              : { TEMPORAL_DEPLOYMENT_NAME: deploymentName, TEMPORAL_BUILD_ID: buildId }),
            ...env,
          },
          main,
        ),
      ),
    async deploy(...args) {
      const env = { ...system.workerEnv, TEMPORAL_DEPLOYMENT_NAME: deploymentName };
      const { exitCode, stdout, stderr } = await runCli(['deploy', ...args, '--json'], env);
      if (exitCode !== 0) throw new Error(`deploy ${args.join(' ')} failed: ${stderr}`);
      return JSON.parse(stdout) as Readonly<Record<string, unknown>>;
    },
    retrying: (count) =>
      eventually(async () => {
        let retrying = 0;
        for await (const { workflowId } of client.workflow.list({
          query: `WorkflowId STARTS_WITH '${system.workflowId('')}' AND ExecutionStatus = 'Running'`,
        })) {
          const { raw } = await client.workflow.getHandle(workflowId).describe();
          if ((raw.pendingActivities ?? []).some(({ attempt }) => (attempt ?? 0) > 1))
            retrying += 1;
          if (retrying >= count) return;
        }
        throw new Error(`${retrying} orders are being retried`);
      }),
    async underLoad(steps) {
      let sent = 0;
      let isDone = false;
      const send = async () => {
        while (sent < ORDERS || !isDone) {
          const count = Math.max(1, Math.round(PER_SECOND / 5));
          await load.send(count);
          sent += count;
          await delay(200);
        }
      };
      const run = async () => {
        try {
          for (const [n, step] of steps.entries()) {
            const due = ((n + 1) / (steps.length + 1)) * ORDERS;
            while (sent < due) await delay(50);
            await step();
          }
        } finally {
          isDone = true;
        }
      };
      await Promise.all([send(), run()]);
    },
    async close() {
      await sampler.stop();
      await load.close();
      await system.close();
      await postgres.close();
      await temporal.remove();
    },
  };
}
