import { existsSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { Connection } from '@temporalio/client';
import { buildOnce } from './build-once.ts';
import { GO, goInstall } from './go.ts';
import { CACHE_DIR } from './places.ts';
import { port, type LocalService } from './service.ts';
import { StackError } from './stack-error.ts';
import { installedVersion, isOlder, requireTool } from './tool.ts';

/** Temporal's dev server with the web UI: `temporal server start-dev`. */
export const temporal: LocalService = {
  name: 'temporal',
  title: 'Temporal',
  usualPorts: { frontend: 7233, ui: 8233 },
  stopSignal: 'SIGINT',

  async check() {
    if (!(await isBuiltOrOnPath())) await requireTool(GO);
  },

  async prepare(report) {
    if (!existsSync(BUILT) && (await isBuiltOrOnPath())) return;
    await buildOnce(BUILT, `Temporal ${SERVER_VERSION}`, report, (target, show) =>
      goInstall(`github.com/temporalio/cli/cmd/temporal@v${CLI_VERSION}`, target, show),
    );
    const version = await versionOf(EXECUTABLE);
    if (version !== SERVER_VERSION) {
      throw new StackError(
        `${EXECUTABLE} is server ${version ?? 'unknown'} instead of ${SERVER_VERSION}: delete ${BUILT} and start again`,
      );
    }
  },

  configure({ places, durable }, ports) {
    const dir = path.join(places.dir, 'temporal');
    mkdirSync(dir, { recursive: true });
    return Promise.resolve({
      command: temporalCommand(),
      args: [
        ...['server', 'start-dev', '--ip', '127.0.0.1', '--log-level', 'warn'],
        ...['--port', String(ports['frontend']), '--ui-port', String(ports['ui'])],
        // As in production. The dev server would read the search attributes from its database per workflow.
        ...['--dynamic-config-value', 'system.forceSearchAttributesCacheRefreshOnRead=false'],
        ...(durable ? onDisk(path.join(dir, 'temporal.db')) : []),
      ],
      cwd: dir,
    });
  },

  probe: (ports) => probeTemporal(port(ports, 'frontend')),

  deleteData: () => Promise.resolve(),
};

/** The command of the server: the one that `prepare` has built, or else the one on the PATH. */
export const temporalCommand = (): string => (existsSync(BUILT) ? EXECUTABLE : 'temporal');

/** Throws until the server answers and has the namespace. */
export async function probeTemporal(frontendPort: number): Promise<void> {
  const connection = await Connection.connect({
    address: `127.0.0.1:${frontendPort}`,
    connectTimeout: '2s',
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

const CLI_VERSION = '1.5.1';
const SERVER_VERSION = '1.29.1';
const BUILT = path.join(CACHE_DIR, `temporal-cli-${CLI_VERSION}`);
const EXECUTABLE = path.join(BUILT, 'temporal');

/** The server's version in `temporal version 1.5.1 (Server 1.29.1, UI 2.42.1)`. */
const versionOf = (command: string) =>
  installedVersion({
    command,
    versionArgs: ['--version'],
    versionPattern: /Server (\d+\.\d+\.\d+)/,
  });

async function isBuiltOrOnPath(): Promise<boolean> {
  if (existsSync(BUILT)) return true;
  const onPath = await versionOf('temporal');
  return onPath !== undefined && !isOlder(onPath, SERVER_VERSION);
}

/** With these pragmas the server starts 400 workflows per second on disk instead of 155. */
const onDisk = (file: string) => [
  ...['--db-filename', file],
  ...['--sqlite-pragma', 'journal_mode=WAL', '--sqlite-pragma', 'synchronous=NORMAL'],
];
