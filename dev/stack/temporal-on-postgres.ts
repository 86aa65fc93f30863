import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { execa } from 'execa';
import { stringify } from 'yaml';
import { port, type LocalService } from './service.ts';
import { StackError } from './stack-error.ts';
import { probeTemporal } from './temporal.ts';
import {
  buildServer,
  builtFolder,
  checkServerBuild,
  DEFAULT_SERVER_VERSION,
  DYNAMIC_CONFIG,
  HIGHEST_SERVER_PORT,
  registerNamespace,
  SERVER_PORTS,
  serverConfig,
} from './temporal-server.ts';

/**
 * The Temporal server with its four services in one process, on Postgres as in production. It has limits,
 * latencies and errors that the dev server on SQLite does not show. It has no web UI.
 *
 * A newer version updates the schema of the databases when it starts; an older version runs on a newer schema.
 *
 * @param version such as `1.29.1`; each version is built into a cache folder of its own
 */
export const temporalOnPostgres = (version = DEFAULT_SERVER_VERSION): LocalService => ({
  name: 'temporal',
  title: 'Temporal on Postgres',
  usualPorts: SERVER_PORTS,
  highestPort: HIGHEST_SERVER_PORT,
  stopSignal: 'SIGTERM',

  check: () => checkServerBuild(SERVER, version),

  prepare: (progress) => buildServer(SERVER, version, progress),

  async configure({ places, databaseUrl }, ports) {
    const dir = path.join(places.dir, 'temporal');
    const database = databaseOf(await databaseUrl());
    for (const [name, schema] of SCHEMAS) await prepareDatabase(version, database, name, schema);
    mkdirSync(path.join(dir, 'config'), { recursive: true });
    const dynamicFile = path.join(dir, 'config', 'dynamic.yaml');
    writeFileSync(dynamicFile, stringify(DYNAMIC_CONFIG));
    writeFileSync(
      path.join(dir, 'config', 'stack.yaml'),
      stringify(
        serverConfig(ports, {
          stores: {
            default: store(database, 'temporal'),
            visibility: store(database, 'temporal_visibility'),
          },
          dynamicFile,
        }),
      ),
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
      await registerNamespace({ address: `127.0.0.1:${frontend}` });
      throw error;
    });
  },

  deleteData: () => Promise.resolve(),
});

const SERVER = 'A Temporal server on Postgres';

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

/** A database as a value of `datastores` in the server's configuration. */
const store = ({ host, port: databasePort, user, password }: Database, databaseName: string) => ({
  sql: {
    pluginName: 'postgres12',
    databaseName,
    connectAddr: `${host}:${databasePort}`,
    connectProtocol: 'tcp',
    user,
    password,
    maxConns: 20,
    maxIdleConns: 20,
    maxConnLifetime: '1h',
  },
});
