import { readFileSync } from 'node:fs';
import { Connection } from '@temporalio/client';
import pg from 'pg';
import { stackPlaces } from '../../dev/stack/places.ts';
import { port, SERVICE_NAMES, type Ports } from '../../dev/stack/service.ts';
import { quietly } from '../../dev/stack/show-steps.ts';
import { startStack, stopStack } from '../../dev/stack/stack.ts';
import { readState } from '../../dev/stack/state.ts';
import { hostsOf, metricsPorts } from '../../dev/stack/temporal-cluster.ts';
import { DEFAULT_HISTORY_SHARDS, DEFAULT_SERVER_VERSION } from '../../dev/stack/temporal-server.ts';
import type { TemporalTuning } from '../../dev/stack/temporal-tuning.ts';
import type { ProgramEnv } from '../../test/support/programs.ts';
import type { Sample } from './compare.ts';
import { orderLatencies } from './latencies.ts';
import { createOrderSystem, type OrderSystem } from './order-system.ts';
import { descendantsOf, usageOf } from './processes.ts';
import { settledServerCounts, type ServerCounts } from './server-counts.ts';

/** The modules that measure a server. Those that configure it count with every program: see `measuredCode`. */
export const SERVER_SIDE_CODE = ['bench/harness/server-side.ts', 'bench/harness/server-counts.ts'];

/** A Temporal server on Postgres, and the programs that use it. */
export interface ServerSide {
  readonly name: string;
  readonly tuning: TemporalTuning;
  /** By default that of the stacks. */
  readonly version?: string;
  /** The codec of the worker's calls; the SDK's default is gzip. */
  readonly grpcCompression: 'none' | 'gzip';
  /** How many orders of a bridge wait in Temporal; by default as many as without a setting. */
  readonly waitingOrders?: number;
  /** Whether bridge and worker run in one process. */
  readonly inOneProcess?: boolean;
  /** Whether visibility is in a Postgres server of its own. */
  readonly ownVisibility?: boolean;
}

export interface ServerSample {
  readonly rate: number;
  /** CPU milliseconds per order, by process. */
  readonly cpu: Readonly<Record<string, number>>;
  /** The sum of these. */
  readonly totalCpu: number;
  /** The resident memory of the Temporal server at the end. */
  readonly serverMebibytes: number;
  /** Calls per order to each service and of each to the database, if the server reports metrics. */
  readonly calls: Readonly<Record<string, number>>;
}

/** Until then, the programs are still compiling their code, and the caches of the server are nearly empty. */
const WARM_UP = 3000;

/** Measures the rate and the cost of `count` orders, after `warmUp` others. */
export const measureServer = (
  side: ServerSide,
  count: number,
  warmUp = WARM_UP,
): Promise<ServerSample> =>
  withServer(side, warmUp, async (orders, server) => {
    const before = await server.counts();
    const { value, cpu = {} } = await orders.ingest(count);
    const after = await server.counts();
    expectInForce('a visibility row per order', (await server.countVisible()) >= count, side);
    return {
      rate: value,
      cpu,
      totalCpu: Object.values(cpu).reduce((sum, one) => sum + one, 0),
      serverMebibytes:
        server.pids.reduce((sum, pid) => sum + (usageOf(pid)?.residentBytes ?? 0), 0) / 2 ** 20,
      calls: before && after ? callsPerOrder(before, after, count) : {},
    };
  });

/**
 * Measures how long each of `count` orders takes, from its message to its row, in milliseconds, if they arrive at an
 * even pace.
 */
export const measureServerLatencies = (
  side: ServerSide,
  count: number,
  perSecond: number,
): Promise<readonly number[]> =>
  withServer(side, WARM_UP, async ({ system }) => {
    if (!side.inOneProcess) await system.startBridge(bridgeEnvOf(side));
    return orderLatencies(system, count, 1000 / perSecond);
  });

const bridgeEnvOf = ({ waitingOrders }: ServerSide): ProgramEnv =>
  waitingOrders === undefined ? {} : { BRIDGE_MAX_WAITING_ORDERS: String(waitingOrders) };

function callsPerOrder(before: ServerCounts, after: ServerCounts, count: number) {
  const services = ['frontend', 'history', 'matching'] as const;
  return Object.fromEntries(
    services.flatMap((service) => [
      [`calls of ${service}`, (after.calls[service] - before.calls[service]) / count],
      [
        `database calls of ${service}`,
        (after.persistence[service] - before.persistence[service]) / count,
      ],
    ]),
  );
}

interface StartedServer {
  /** Of its processes. */
  readonly pids: readonly number[];
  countVisible(): Promise<number>;
  /** Undefined if the server reports no metrics. */
  counts(): Promise<ServerCounts | undefined>;
}

/**
 * Starts a Postgres and a Temporal server with empty databases and the programs, has these ingest some orders, does
 * the work, and stops everything. So no server costs anything while another one is measured, and all begin alike.
 * Kafka is that of the run, and is not counted.
 */
async function withServer<Result>(
  side: ServerSide,
  warmUp: number,
  work: (orders: OrderSystem, server: StartedServer) => Promise<Result>,
): Promise<Result> {
  const name = `bench-${process.pid}-server`;
  const visibilityName = `${name}-visibility`;
  try {
    const visibility = side.ownVisibility ? await startPostgres(visibilityName) : undefined;
    const tuning: TemporalTuning = {
      ...side.tuning,
      ...(visibility ? { visibilityUrl: visibility.url } : {}),
    };
    const addresses = await startStack(
      {
        ...{ name, ephemeral: true, temporalKind: 'postgres', temporalVersion: side.version },
        temporalTuning: tuning,
        env: { ...process.env, TEMPORAL_ADDRESS: '', DATABASE_URL: '' },
      },
      quietly,
    );
    const { TEMPORAL_ADDRESS: temporalAddress = '', DATABASE_URL: databaseUrl = '' } = addresses;
    const visibilityUrl = tuning.visibilityUrl ?? databaseUrl;
    const { temporal: pid = 0, ...others } = pidsOf(name);
    await checkServer(name, { temporalAddress, pid }, side);
    await checkVisibility(visibilityUrl, tuning);
    const temporal = temporalPids(pid, tuning);
    const env: ProgramEnv = { TEMPORAL_GRPC_COMPRESSION: side.grpcCompression };
    const orders = await createOrderSystem(
      { ...others, ...temporal, ...(visibility ? { 'visibility database': visibility.pid } : {}) },
      {
        startWorker: (system) => system.startWorker(env),
        bridgeEnv: bridgeEnvOf(side),
        inOneProcess: side.inOneProcess ? env : undefined,
        servers: { temporalAddress, databaseUrl },
      },
    );
    try {
      await orders.ingest(warmUp);
      await checkPlugin(port(temporalPortsOf(name), 'pprof'), side);
      return await work(orders, {
        pids: Object.values(temporal),
        countVisible: () => countVisible(visibilityUrl),
        counts: async () =>
          tuning.metrics
            ? settledServerCounts(metricsPorts(temporalPortsOf(name), tuning))
            : undefined,
      });
    } finally {
      await orders.close();
    }
  } finally {
    await stopStack(name);
    await stopStack(visibilityName);
  }
}

export const asSample = ({ rate, cpu, totalCpu, serverMebibytes }: ServerSample): Sample => ({
  value: rate,
  cpu,
  figures: { 'CPU ms of all': totalCpu, 'MiB of the server': serverMebibytes },
});

/** Starts a Postgres server only. */
async function startPostgres(name: string): Promise<{ url: string; pid: number }> {
  const { DATABASE_URL: url = '' } = await startStack(
    { name, ephemeral: true, env: { ...process.env, DATABASE_URL: '' } },
    quietly,
  );
  return { url, pid: pidsOf(name)['postgres'] ?? 0 };
}

function pidsOf(name: string): Readonly<Record<string, number>> {
  const services = readState(stackPlaces(name))?.services;
  return Object.fromEntries(
    SERVICE_NAMES.flatMap((service) => {
      const state = services?.[service];
      return state?.source === 'process' && state.process ? [[service, state.process.pid]] : [];
    }),
  );
}

/** The processes of a Temporal server. */
function temporalPids(pid: number, { hosts }: TemporalTuning): Readonly<Record<string, number>> {
  if (!hosts) return { temporal: pid };
  const commands = new Map(
    descendantsOf(pid).map((child) => [
      // As proc(5) has them: the arguments, separated by NUL.
      readFileSync(`/proc/${child}/cmdline`, 'utf8').split('\0'),
      child,
    ]),
  );
  return Object.fromEntries(
    hostsOf(hosts).map(({ name }) => {
      const found = [...commands].find(([args]) => args[args.indexOf('--env') + 1] === name);
      if (!found) throw new Error(`there is no process ${name}`);
      return [`temporal ${name}`, found[1]];
    }),
  );
}

function temporalPortsOf(name: string): Ports {
  const temporal = readState(stackPlaces(name))?.services.temporal;
  if (temporal?.source !== 'process') throw new Error(`the stack ${name} runs no Temporal server`);
  return temporal.ports;
}

/** Throws unless the server runs with the settings of the side. */
async function checkServer(
  name: string,
  { temporalAddress, pid }: { readonly temporalAddress: string; readonly pid: number },
  side: ServerSide,
): Promise<void> {
  const { tuning, version = DEFAULT_SERVER_VERSION } = side;
  const connection = await Connection.connect({ address: temporalAddress });
  try {
    const { serverVersion, historyShardCount } = await connection.workflowService.getClusterInfo(
      {},
    );
    expectInForce(`version ${version}`, serverVersion === version, side);
    const { historyShards = DEFAULT_HISTORY_SHARDS } = tuning;
    expectInForce(`${historyShards} shards`, historyShardCount === historyShards, side);
    const { workflowTaskQueuePartitions } =
      await connection.workflowService.listTaskQueuePartitions({
        namespace: 'default',
        taskQueue: { name: 'order-ingest' },
      });
    const { taskQueuePartitions = 4 } = tuning;
    const isPartitioned = workflowTaskQueuePartitions.length === taskQueuePartitions;
    expectInForce(`${taskQueuePartitions} partitions`, isPartitioned, side);
  } finally {
    await connection.close();
  }
  // As proc(5) has them: the variables with which the process was started, separated by NUL.
  const environment = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
  const isInEnvironment = ([key, value]: [string, string]) =>
    environment.includes(`${key}=${value}`);
  expectInForce('its environment', Object.entries(tuning.environment).every(isInEnvironment), side);
  const isCollectingAsUsual = !environment.some((variable) => variable.startsWith('GOGC='));
  expectInForce('GOGC', 'GOGC' in tuning.environment !== isCollectingAsUsual, side);
  const configOf = (file: string) =>
    readFileSync(`${stackPlaces(name).dir}/temporal/config/${file}.yaml`, 'utf8');
  const isSet = (key: string) => configOf('dynamic').includes(key);
  const { workflowCacheEntries, eventsCacheBytes, visibilityPolls } = tuning;
  const isCacheLimited = workflowCacheEntries !== undefined;
  expectInForce('its cache', isSet('history.hostLevelCacheMaxSize') === isCacheLimited, side);
  const hasOneEventsCache = eventsCacheBytes !== undefined;
  const isOneSet = isSet('history.eventsHostLevelCacheMaxSizeBytes');
  expectInForce('its cache of events', isOneSet === hasOneEventsCache, side);
  const hasFewPolls = visibilityPolls !== undefined;
  expectInForce('polls', isSet('history.visibilityProcessorMaxPollRPS') === hasFewPolls, side);
  const config = configOf(tuning.hosts ? 'history' : 'stack');
  const attributes = Object.keys(tuning.connectAttributes ?? {});
  expectInForce(
    'connectAttributes',
    attributes.every((key) => config.includes(key)) &&
      config.includes('connectAttributes') === attributes.length > 0,
    side,
  );
}

const DRIVERS = {
  postgres12: 'github.com/lib/pq',
  postgres12_pgx: 'github.com/jackc/pgx',
} as const;

/** The server reports the same name for both plugins, but its memory profile has the functions that it called. */
async function checkPlugin(pprofPort: number, side: ServerSide): Promise<void> {
  const { plugin } = side.tuning;
  const profile = await fetch(`http://127.0.0.1:${pprofPort}/debug/pprof/allocs?debug=1`);
  const functions = await profile.text();
  // The other driver is part of the program, too, and allocates a little when it is initialized.
  const mentions = (driver: string) => functions.split(driver).length - 1;
  const [used] = Object.entries(DRIVERS).sort(([, a], [, b]) => mentions(b) - mentions(a));
  expectInForce(plugin, used?.[0] === plugin && mentions(used[1]) > 0, side);
}

async function checkVisibility(url: string, tuning: TemporalTuning): Promise<void> {
  const partial = await queryVisibility(
    url,
    "SELECT count(*) FROM pg_indexes WHERE tablename = 'executions_visibility' AND indexdef LIKE '% WHERE %'",
  );
  if (partial > 0 !== tuning.partialIndexes) {
    throw new Error(`${partial} visibility indexes are partial`);
  }
}

const countVisible = (url: string) =>
  queryVisibility(url, 'SELECT count(*) FROM executions_visibility');

async function queryVisibility(url: string, sql: string): Promise<number> {
  const client = new pg.Client(
    Object.assign(new URL(url), { pathname: 'temporal_visibility' }).href,
  );
  await client.connect();
  try {
    const { rows } = await client.query<{ count: string }>(sql);
    return Number(rows[0]?.count);
  } finally {
    await client.end();
  }
}

function expectInForce(what: string, isInForce: boolean, { name }: ServerSide): void {
  if (!isInForce) throw new Error(`the server "${name}" does not have ${what}`);
}
