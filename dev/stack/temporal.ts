import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { Connection } from '@temporalio/client';
import { port, type LocalService } from './service.ts';
import { checkTemporalCli, installTemporalCli } from './temporal-cli.ts';
import { TUNED } from './temporal-tuning.ts';

/**
 * Temporal's dev server with the web UI: `temporal server start-dev`.
 *
 * @param version of the server, by default the current one
 */
export const temporalDev = (version?: string): LocalService => ({
  name: 'temporal',
  title: 'Temporal',
  usualPorts: { frontend: 7233, ui: 8233 },
  stopSignal: 'SIGINT',

  check: () => checkTemporalCli(version),

  prepare: (progress) => installTemporalCli(progress, version),

  configure({ places, durable }, ports, installed) {
    const dir = path.join(places.dir, 'temporal');
    mkdirSync(dir, { recursive: true });
    return Promise.resolve({
      command: path.join(installed.folder, 'temporal'),
      args: [
        ...['server', 'start-dev', '--ip', '127.0.0.1', '--log-level', 'warn'],
        ...['--port', String(ports['frontend']), '--ui-port', String(ports['ui'])],
        ...DYNAMIC_CONFIG.flatMap((setting) => ['--dynamic-config-value', setting]),
        ...(durable ? onDisk(path.join(dir, 'temporal.db')) : []),
      ],
      cwd: dir,
    });
  },

  probe: (ports) => probeTemporal(port(ports, 'frontend')),

  deleteData: () => Promise.resolve(),
});

/** Also those of docker-compose.yml. */
export const DYNAMIC_CONFIG = [
  // As in production. The dev server would read the search attributes from its database per workflow.
  'system.forceSearchAttributesCacheRefreshOnRead=false',
  `history.hostLevelCacheMaxSize=${TUNED.workflowCacheEntries}`,
  `matching.numTaskqueueReadPartitions=${TUNED.taskQueuePartitions}`,
  `matching.numTaskqueueWritePartitions=${TUNED.taskQueuePartitions}`,
];

/** By default, gRPC waits for a second and more before it tries again a port that was closed. */
export const RECONNECT_SOON = {
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 500,
};

/** Throws until the server answers and has the namespace. */
export async function probeTemporal(frontendPort: number): Promise<void> {
  const connection = await Connection.connect({
    address: `127.0.0.1:${frontendPort}`,
    connectTimeout: '10s',
    channelArgs: RECONNECT_SOON,
    interceptors: [],
  });
  try {
    await connection.workflowService.describeNamespace({ namespace: NAMESPACE });
    // This call uses the server's cache of namespaces, which is updated a little later.
    await connection.operatorService.listSearchAttributes({ namespace: NAMESPACE });
  } finally {
    await connection.close();
  }
}

/** The dev server creates this namespace by itself. */
export const NAMESPACE = 'default';

/** With these pragmas the server starts 400 workflows per second on disk instead of 155. */
const onDisk = (file: string) => [
  ...['--db-filename', file],
  ...['--sqlite-pragma', 'journal_mode=WAL', '--sqlite-pragma', 'synchronous=NORMAL'],
];
