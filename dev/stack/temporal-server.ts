import { renameSync } from 'node:fs';
import path from 'node:path';
import { Connection, type ConnectionOptions } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time.js';
import { GO, goInstall } from './go.ts';
import { CACHE_DIR } from './places.ts';
import { port, type Installed, type Ports, type Progress } from './service.ts';
import { checkSources, install, type Source } from './sources.ts';
import { NAMESPACE, RECONNECT_SOON } from './temporal.ts';
import { checkTool } from './tool.ts';

/** Needs Go 1.26. Newer patch releases need Go 1.27. */
export const DEFAULT_SERVER_VERSION = '1.32.1';

/** The ports of the server's four services, which run in one process. */
export const SERVER_PORTS = {
  frontend: 7233,
  history: 7234,
  matching: 7235,
  worker: 7239,
  frontendMembership: 6933,
  historyMembership: 6934,
  matchingMembership: 6935,
  workerMembership: 6939,
  // Go's profiler, which costs nothing unless it is used.
  pprof: 7936,
};

/** Temporal's table of cluster members stores the port as a smallint. */
export const HIGHEST_SERVER_PORT = 32_767;

export const checkServerBuild = (title: string, version: string): Promise<void> =>
  checkSources(title, [goBuild(version)], []);

export const buildServer = (
  title: string,
  version: string,
  progress: Progress,
): Promise<Installed> => install(title, [goBuild(version)], [], progress);

/** Temporal publishes no executables of the server, only container images. */
const goBuild = (version: string): Source => ({
  name: `Temporal server ${version} built with Go`,
  howTo: `Go ${GO.atLeast} or newer: ${GO.install}`,
  folder: builtFolder(version),
  check: () => checkTool(GO),
  async fetch(folder, report, signal) {
    await goInstall(`go.temporal.io/server/cmd/server@v${version}`, folder, report, signal);
    renameSync(path.join(folder, 'server'), path.join(folder, 'temporal-server'));
    await goInstall(`go.temporal.io/server/cmd/tools/sql@v${version}`, folder, report, signal);
  },
});

export const builtFolder = (version: string): string =>
  path.join(CACHE_DIR, `temporal-server-${version}`);

/** As in the template of Temporal's image. */
export const DEFAULT_HISTORY_SHARDS = 4;

/**
 * The server's configuration.
 *
 * @param stores its two databases, as values of `datastores`
 * @param historyShards fixed once the databases are in use
 * @param security what is added to the section `global`
 */
export function serverConfig(
  ports: Ports,
  {
    stores,
    dynamicFile,
    historyShards = DEFAULT_HISTORY_SHARDS,
    security = {},
  }: {
    readonly stores: { readonly default: object; readonly visibility: object };
    readonly dynamicFile: string;
    readonly historyShards?: number | undefined;
    readonly security?: object;
  },
) {
  const service = (name: string) => ({
    rpc: {
      grpcPort: port(ports, name),
      membershipPort: port(ports, `${name}Membership`),
      bindOnIP: '127.0.0.1',
    },
  });
  const hasInternalFrontend = ports['internalFrontend'] !== undefined;
  const frontend = `127.0.0.1:${port(ports, 'frontend')}`;
  const metrics = ports['metrics'];
  return {
    log: { stdout: true, level: 'warn' },
    persistence: {
      defaultStore: 'default',
      visibilityStore: 'visibility',
      numHistoryShards: historyShards,
      datastores: stores,
    },
    global: {
      membership: { maxJoinDuration: '30s', broadcastAddress: '127.0.0.1' },
      pprof: { host: '127.0.0.1', port: port(ports, 'pprof') },
      ...(metrics === undefined
        ? {}
        : { metrics: { prometheus: { listenAddress: `127.0.0.1:${metrics}` } } }),
      ...security,
    },
    services: {
      frontend: service('frontend'),
      ...(hasInternalFrontend ? { 'internal-frontend': service('internalFrontend') } : {}),
      history: service('history'),
      matching: service('matching'),
      worker: service('worker'),
    },
    clusterMetadata: {
      enableGlobalNamespace: false,
      failoverVersionIncrement: 10,
      masterClusterName: 'active',
      currentClusterName: 'active',
      clusterInformation: {
        active: {
          enabled: true,
          initialFailoverVersion: 1,
          rpcName: 'frontend',
          rpcAddress: frontend,
        },
      },
    },
    ...(hasInternalFrontend ? {} : { publicClient: { hostPort: frontend } }),
    dynamicConfigClient: { filepath: dynamicFile, pollInterval: '10s' },
  };
}

/** Makes a new namespace or search attribute usable within a second. */
export const DYNAMIC_CONFIG = {
  'system.namespaceCacheRefreshInterval': [{ value: '1s' }],
};

/** Creates the namespace that the dev server creates by itself. */
export async function registerNamespace(options: ConnectionOptions): Promise<void> {
  const connection = await Connection.connect({
    ...options,
    connectTimeout: '2s',
    channelArgs: RECONNECT_SOON,
    interceptors: [],
  });
  try {
    await connection.workflowService.registerNamespace({
      namespace: NAMESPACE,
      workflowExecutionRetentionPeriod: msToTs('3 days'),
    });
  } finally {
    await connection.close();
  }
}
