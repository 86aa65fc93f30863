import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { execa } from 'execa';
import pg from 'pg';
import { stringify } from 'yaml';
import { planTuning } from '../../src/operate/temporal/plan-tuning.ts';
import { readVisibilityTable } from '../../src/operate/temporal/visibility-indexes.ts';
import { port, type LocalService, type Ports } from './service.ts';
import { StackError } from './stack-error.ts';
import { probeTemporal } from './temporal.ts';
import { hostsOf, portsOfHost, usualPorts } from './temporal-cluster.ts';
import {
  buildServer,
  builtFolder,
  checkServerBuild,
  DEFAULT_SERVER_VERSION,
  DYNAMIC_CONFIG,
  HIGHEST_SERVER_PORT,
  registerNamespace,
  serverConfig,
} from './temporal-server.ts';
import { TUNED, type TemporalTuning } from './temporal-tuning.ts';

/**
 * The Temporal server with its four services in one process, on Postgres as in production. It has limits,
 * latencies and errors that the dev server on SQLite does not show. It has no web UI.
 *
 * A newer version updates the schema of the databases when it starts; an older version runs on a newer schema.
 *
 * @param version such as `1.29.1`; each version is built into a cache folder of its own
 */
export const temporalOnPostgres = (
  version = DEFAULT_SERVER_VERSION,
  tuning: TemporalTuning = TUNED,
): LocalService => ({
  name: 'temporal',
  title: 'Temporal on Postgres',
  usualPorts: usualPorts(tuning),
  highestPort: HIGHEST_SERVER_PORT,
  stopSignal: 'SIGTERM',

  check: () => checkServerBuild(SERVER, version),

  prepare: (progress) => buildServer(SERVER, version, progress),

  async configure({ places, databaseUrl }, ports) {
    const dir = path.join(places.dir, 'temporal');
    const url = await databaseUrl();
    const { visibilityUrl = url, historyShards } = tuning;
    await prepareDatabase(version, url, MAIN);
    await prepareDatabase(version, visibilityUrl, VISIBILITY);
    if (tuning.partialIndexes) await makeIndexesPartial(visibilityUrl);
    mkdirSync(path.join(dir, 'config'), { recursive: true });
    const dynamicFile = path.join(dir, 'config', 'dynamic.yaml');
    writeFileSync(dynamicFile, stringify({ ...DYNAMIC_CONFIG, ...dynamicConfigOf(tuning) }));
    const stores = {
      default: store(url, MAIN.name, tuning),
      visibility: store(visibilityUrl, VISIBILITY.name, tuning),
    };
    /** Returns the arguments that run the server with these ports. */
    const configureServer = (config: string, of: Ports) => {
      const file = path.join(dir, 'config', `${config}.yaml`);
      writeFileSync(file, stringify(serverConfig(of, { stores, dynamicFile, historyShards })));
      return ['--root', dir, '--env', config, '--allow-no-auth', 'start'];
    };
    const server = path.join(builtFolder(version), 'temporal-server');
    const { hosts, environment: env } = tuning;
    if (!hosts) return { command: server, args: configureServer('stack', ports), env, cwd: dir };
    const commands = hostsOf(hosts).map((host) => [
      ...configureServer(host.name, portsOfHost(ports, host)),
      ...['--service', host.service],
    ]);
    return {
      command: process.execPath,
      args: [
        ...['--import', import.meta.resolve('tsx')],
        ...[path.join(import.meta.dirname, 'run-together.ts'), server],
        ...commands.map((args) => JSON.stringify(args)),
      ],
      env,
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

/** A database, and the folder of its schema in Temporal's schema tool. */
interface Store {
  readonly name: string;
  readonly schema: string;
}

const MAIN: Store = { name: 'temporal', schema: 'postgresql/v12/temporal' };
export const VISIBILITY: Store = {
  name: 'temporal_visibility',
  schema: 'postgresql/v12/visibility',
};

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

/**
 * Creates the database if it does not exist, and updates its schema.
 *
 * @param schemaVersion such as `1.9`; by default the latest one of the server
 */
export async function prepareDatabase(
  version: string,
  url: string,
  { name, schema }: Store,
  schemaVersion?: string,
): Promise<void> {
  const database = databaseOf(url);
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
  const target = schemaVersion === undefined ? [] : ['--version', schemaVersion];
  const updated = await run('update-schema', '--schema-name', schema, ...target);
  if (updated.failed) {
    throw new StackError(
      `The schema of Temporal's database "${name}" could not be updated:\n${updated.all}`,
    );
  }
}

/** As whoever follows the advice of `order-ingest temporal tune`. */
async function makeIndexesPartial(url: string): Promise<void> {
  const client = new pg.Client(Object.assign(new URL(url), { pathname: VISIBILITY.name }).href);
  await client.connect();
  try {
    const { statements } = planTuning(await readVisibilityTable(client));
    for (const statement of statements) await client.query(statement);
  } finally {
    await client.end();
  }
}

/** Ten times the default, so that fewer polls read as many tasks. */
const VISIBILITY_TASKS_PER_POLL = 1000;

function dynamicConfigOf({
  taskQueuePartitions,
  workflowCacheEntries,
  eventsCacheBytes,
  visibilityPolls,
}: TemporalTuning) {
  const settings = {
    'matching.numTaskqueueReadPartitions': taskQueuePartitions,
    'matching.numTaskqueueWritePartitions': taskQueuePartitions,
    'history.hostLevelCacheMaxSize': workflowCacheEntries,
    'history.enableHostLevelEventsCache': eventsCacheBytes === undefined ? undefined : true,
    'history.eventsHostLevelCacheMaxSizeBytes': eventsCacheBytes,
    'history.visibilityProcessorMaxPollRPS': visibilityPolls,
    'history.visibilityTaskBatchSize': visibilityPolls && VISIBILITY_TASKS_PER_POLL,
  };
  const given = Object.entries(settings).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given.map(([key, value]) => [key, [{ value }]]));
}

/** Of a server in one process to each of its databases. Separate processes share them evenly, rounded up. */
const MAX_CONNECTIONS = 20;

/** A database as a value of `datastores` in the server's configuration. */
function store(
  url: string,
  databaseName: string,
  { plugin, connectAttributes, hosts }: TemporalTuning,
) {
  const maxConns = Math.ceil(MAX_CONNECTIONS / (hosts ? hostsOf(hosts).length : 1));
  const { host, port: databasePort, user, password } = databaseOf(url);
  return {
    sql: {
      pluginName: plugin,
      databaseName,
      connectAddr: `${host}:${databasePort}`,
      connectProtocol: 'tcp',
      ...(connectAttributes ? { connectAttributes } : {}),
      user,
      password,
      maxConns,
      maxIdleConns: maxConns,
      maxConnLifetime: '1h',
    },
  };
}
