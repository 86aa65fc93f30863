import { eventually } from '../../support/eventually.ts';
import { startOwnTemporal } from '../../support/own-temporal.ts';
import { runCli, type ProgramEnv, type RunningProgram } from '../../support/programs.ts';
import { setUp } from '../../support/set-up.ts';
import { stackAddress, uniqueName } from '../../support/stack.ts';
import { startTcpProxy, type TcpProxy } from '../../support/tcp-proxy.ts';
import type { Build } from './builds.ts';
import { startLoadedSystem, type LoadedSystem } from './loaded-system.ts';
import { OPTIONS } from './options.ts';

/**
 * An upgrade of bridges or workers from one build to another. It has a Temporal server of its own, and workers
 * reach Postgres through a link that can be cut.
 */
export interface VersionsWorld extends Omit<LoadedSystem, 'startBridge' | 'startWorker'> {
  readonly postgres: TcpProxy;
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
  const [{ loaded, postgres }, close] = await setUp(async (onUndo) => {
    const temporal = await startOwnTemporal(QUICK_DRAINAGE);
    onUndo(() => temporal.remove());
    const loaded = await startLoadedSystem({ kafka, temporal: temporal.address }, onUndo);
    const postgres = await startTcpProxy(new URL(loaded.system.database.url).host);
    onUndo(() => postgres.close());
    return { loaded, postgres };
  });
  const { system } = loaded;
  const { client } = system;
  const databaseUrl = new URL(system.database.url);
  databaseUrl.host = `127.0.0.1:${postgres.port}`;
  const deploymentName = uniqueName('deployment');
  return {
    ...loaded,
    postgres,
    startBridge: ({ main }) => loaded.startBridge({}, main),
    startWorker: ({ main }, buildId, env = {}) =>
      loaded.startWorker(
        {
          DATABASE_URL: databaseUrl.href,
          ...(buildId === undefined
            ? {}
            : { TEMPORAL_DEPLOYMENT_NAME: deploymentName, TEMPORAL_BUILD_ID: buildId }),
          ...env,
        },
        main,
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
      const share = OPTIONS.orders / (steps.length + 1);
      loaded.startSending();
      for (const [n, step] of steps.entries()) {
        await loaded.sentAtLeast((n + 1) * share);
        await step();
      }
      await loaded.sentAtLeast(OPTIONS.orders);
      await loaded.stopSending();
    },
    close,
  };
}
