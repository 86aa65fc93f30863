import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Connection } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time.js';
import { execa } from 'execa';
import { stringify } from 'yaml';
import { GO, goInstall } from './go.ts';
import { CACHE_DIR } from './places.ts';
import { port, type LocalService, type Ports } from './service.ts';
import { checkSources, install, type Source } from './sources.ts';
import { StackError } from './stack-error.ts';
import { NAMESPACE, probeTemporal } from './temporal.ts';
import { checkTool } from './tool.ts';

/** Needs Go 1.26. Newer patch releases need Go 1.27. */
const DEFAULT_VERSION = '1.32.1';

/**
 * The Temporal server with its four services in one process, on Postgres as in production. It has limits,
 * latencies and errors that the dev server on SQLite does not show. It has no web UI.
 *
 * A newer version updates the schema of the databases when it starts; an older version runs on a newer schema.
 *
 * @param version such as `1.29.1`; each version is built into a cache folder of its own
 */
export const temporalOnPostgres = (version = DEFAULT_VERSION): LocalService => ({
  name: 'temporal',
  title: 'Temporal on Postgres',
  usualPorts: {
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
  },
  // Temporal's table of cluster members stores the port as a smallint.
  highestPort: 32_767,
  stopSignal: 'SIGTERM',

  check: () => checkSources(SERVER, [goBuild(version)], []),

  prepare: (progress) => install(SERVER, [goBuild(version)], [], progress),

  async configure({ places, databaseUrl }, ports) {
    const dir = path.join(places.dir, 'temporal');
    const database = databaseOf(await databaseUrl());
    for (const [name, schema] of SCHEMAS) await prepareDatabase(version, database, name, schema);
    mkdirSync(path.join(dir, 'config'), { recursive: true });
    const dynamicFile = path.join(dir, 'config', 'dynamic.yaml');
    writeFileSync(dynamicFile, stringify(DYNAMIC_CONFIG));
    writeFileSync(
      path.join(dir, 'config', 'stack.yaml'),
      stringify(serverConfig(ports, database, dynamicFile)),
    );
    return {
      command: path.join(builtFolder(version), 'temporal-server'),
      args: ['--root', dir, '--env', 'stack', '--allow-no-auth', 'start'],
      cwd: dir,
    };
  },

  async probe(ports) {
    const frontend = port(ports, 'frontend');
    await probeTemporal(frontend).catch(async (error: unknown) => {
      await registerNamespace(frontend);
      throw error;
    });
  },

  deleteData: () => Promise.resolve(),
});

const SERVER = 'A Temporal server on Postgres';

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

const builtFolder = (version: string) => path.join(CACHE_DIR, `temporal-server-${version}`);

/** The databases, with the folders of their schemas in Temporal's schema tool. */
const SCHEMAS = [
  ['temporal', 'postgresql/v12/temporal'],
  ['temporal_visibility', 'postgresql/v12/visibility'],
] as const;

interface Database {
  readonly host: string;
  readonly port: string;
  readonly user: string;
  readonly password: string;
}

function databaseOf(url: string): Database {
  const { hostname, port: databasePort, username, password } = new URL(url);
  return {
    host: hostname,
    port: databasePort || '5432',
    user: decodeURIComponent(username),
    password: decodeURIComponent(password),
  };
}

/** Creates the database if it does not exist, and updates its schema. */
async function prepareDatabase(
  version: string,
  database: Database,
  name: string,
  schema: string,
): Promise<void> {
  const run = (...args: string[]) =>
    execa(
      path.join(builtFolder(version), 'sql'),
      [
        ...['--plugin', 'postgres12', '--ep', database.host, '-p', database.port],
        ...['-u', database.user, '--pw', database.password, '--db', name, ...args],
      ],
      { reject: false, all: true },
    );
  // Fails if the database exists; any other problem makes the update fail too.
  const created = await run('create');
  if (!created.failed) await run('setup-schema', '-v', '0.0');
  const updated = await run('update-schema', '--schema-name', schema);
  if (updated.failed) {
    throw new StackError(
      `The schema of Temporal's database "${name}" could not be updated:\n${updated.all}`,
    );
  }
}

async function registerNamespace(frontendPort: number): Promise<void> {
  const connection = await Connection.connect({
    address: `127.0.0.1:${frontendPort}`,
    connectTimeout: '2s',
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

function serverConfig(ports: Ports, database: Database, dynamicFile: string) {
  const service = (name: string) => ({
    rpc: {
      grpcPort: port(ports, name),
      membershipPort: port(ports, `${name}Membership`),
      bindOnIP: '127.0.0.1',
    },
  });
  const store = (databaseName: string) => ({
    sql: {
      pluginName: 'postgres12',
      databaseName,
      connectAddr: `${database.host}:${database.port}`,
      connectProtocol: 'tcp',
      user: database.user,
      password: database.password,
      maxConns: 20,
      maxIdleConns: 20,
      maxConnLifetime: '1h',
    },
  });
  const frontend = `127.0.0.1:${port(ports, 'frontend')}`;
  return {
    log: { stdout: true, level: 'warn' },
    persistence: {
      defaultStore: 'default',
      visibilityStore: 'visibility',
      numHistoryShards: 4,
      datastores: { default: store('temporal'), visibility: store('temporal_visibility') },
    },
    global: {
      membership: { maxJoinDuration: '30s', broadcastAddress: '127.0.0.1' },
      pprof: { host: '127.0.0.1', port: port(ports, 'pprof') },
    },
    services: {
      frontend: service('frontend'),
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
    publicClient: { hostPort: frontend },
    dynamicConfigClient: { filepath: dynamicFile, pollInterval: '10s' },
  };
}

/** Makes a new namespace or search attribute usable within a second. */
const DYNAMIC_CONFIG = {
  'system.namespaceCacheRefreshInterval': [{ value: '1s' }],
};
