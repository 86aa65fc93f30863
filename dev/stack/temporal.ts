import { existsSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { Connection } from '@temporalio/client';
import { buildOnce } from './build-once.ts';
import { GO, goInstall } from './go.ts';
import { CACHE_DIR } from './places.ts';
import { port, type LocalService } from './service.ts';
import { StackError } from './stack-error.ts';
import { installedVersion, isOlder, requireTool } from './tool.ts';

/** Temporal's own server and web UI in one program, as `temporal server start-dev` runs them. */
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
    await buildOnce(BUILT, `Temporal ${SERVER_VERSION}`, report, (target, tell) =>
      goInstall(`github.com/temporalio/cli/cmd/temporal@v${CLI_VERSION}`, target, tell),
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
        // As in production: else it reads the search attributes from its database for each workflow.
        ...['--dynamic-config-value', 'system.forceSearchAttributesCacheRefreshOnRead=false'],
        ...(durable ? onDisk(path.join(dir, 'temporal.db')) : []),
      ],
      cwd: dir,
    });
  },

  probe: (ports) => probeTemporal(port(ports, 'frontend')),

  deleteData: () => Promise.resolve(),
};

/** What `prepare` has found: one built here, or else one on the PATH. */
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
    // Asks the server's cache of namespaces, which learns of a new one a little later.
    await connection.operatorService.listSearchAttributes({ namespace: NAMESPACE });
  } finally {
    await connection.close();
  }
}

/** The dev server makes it by itself. */
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

/** With these pragmas the server starts 400 workflows a second on disk instead of 155. */
const onDisk = (file: string) => [
  ...['--db-filename', file],
  ...['--sqlite-pragma', 'journal_mode=WAL', '--sqlite-pragma', 'synchronous=NORMAL'],
];
