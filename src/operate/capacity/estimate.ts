import { counted } from '../../program/counted.ts';
import { MEASURED } from './measured.ts';

/** The resources that a rate of orders needs. A core is one like those of the measurement. */
export interface CapacityEstimate {
  readonly ordersPerSecond: number;
  readonly kafka: {
    readonly partitions: number;
    readonly brokers: number;
    readonly bytesPerSecond: number;
    readonly cores: number;
  };
  readonly bridges: number;
  readonly workers: number;
  readonly temporal: {
    /** Deletion at the end of retention, which history does, included, as in `databaseCores`. */
    readonly cores: Readonly<Record<TemporalService, number>>;
    /** As many of each as the default limits on calls demand, whatever their cores. */
    readonly hosts: Readonly<Record<TemporalService, number>>;
    readonly taskQueuePartitions: number;
    readonly historyShards: number;
    readonly databaseCores: number;
    readonly stateTransitionsPerSecond: number;
    readonly grpcCallsPerSecond: number;
    /** On disk, for each day of retention. */
    readonly mainBytesPerDay: number;
    readonly visibilityBytesPerDay: number;
  };
  readonly postgres: {
    readonly cores: number;
    readonly connections: number;
    readonly bytesPerDay: number;
  };
  readonly cloud: {
    readonly actionsPerSecond: number;
    readonly actionsPerMonth: number;
    readonly requestsPerSecond: number;
  };
  /** Where scaling out is not enough. */
  readonly limits: readonly Limit[];
}

export type TemporalService = 'frontend' | 'history' | 'matching';

/** A limit that more instances do not raise. */
export interface Limit {
  readonly part: string;
  /** What the estimate needs of it. */
  readonly reached: string;
  /** What to change instead of adding instances. */
  readonly change: string;
}

/** Assumptions that were not measured; docs/capacity.md gives the reason for each. */
export const ASSUMPTIONS = {
  /** Target CPU utilization; the rest is headroom for peaks, and for the loss of one of at least three instances. */
  utilisation: 0.6,
  /** A bridge runs on one event loop. */
  coresPerBridge: 1,
  /** One event loop for activities, plus threads for workflows and the SDK's core. */
  coresPerWorker: 2,
  /** Database connections per worker with the default number of slots. */
  connectionsPerWorker: 25,
  /** Allows adding bridges, with an even share of the partitions each. */
  partitionsPerBridge: 3,
  replication: 3,
  /** Write throughput per broker, replication included. */
  brokerBytesPerSecond: 50_000_000,
  /** Of what a server accepts: calls are not spread evenly over its hosts. */
  limitUtilisation: 0.6,
  /** Tasks per second of a partition of a task queue: as many as one host of matching accepts. */
  tasksPerPartition: 250,
  /** Default of `matching.numTaskqueueReadPartitions` and `matching.numTaskqueueWritePartitions`. */
  defaultPartitions: 4,
  /** How long a state transition holds the lock of its history shard: one database write. */
  shardBusyMs: 5,
  /** Target utilization of a shard, so that few transitions wait for its lock. */
  shardUtilisation: 0.2,
  /** The number of shards cannot be changed later, so a small cluster gets this many, too. */
  minShards: 512,
  maxShards: 16_384,
  /** The largest single Postgres server worth running. */
  coresOfLargestPostgres: 64,
  /** Durable single-row transactions per second of one Postgres server. */
  commitsPerSecond: 20_000,
  connectionsOfPostgres: 500,
  /** Default limits of a Temporal Cloud namespace; they grow with use. */
  cloudActionsPerSecond: 500,
  cloudRequestsPerSecond: 2000,
} as const;

/**
 * What one host of each service accepts by default, and what it asks of its database at most, in calls per
 * second: frontend.rps and frontend.namespaceRPS; history.rps, history.persistenceMaxQPS; matching.rps,
 * matching.persistenceMaxQPS. The same in Temporal 1.29.1 and 1.32.1 (common/dynamicconfig/constants.go).
 */
export const SERVER_LIMITS = {
  frontend: { calls: 2400 },
  history: { calls: 3000, databaseCalls: 9000 },
  matching: { calls: 1200, databaseCalls: 3000 },
} as const;

const SECONDS_PER_DAY = 86_400;
const DAYS_PER_MONTH = 30;

/** The cost of one order. */
export type OrderCost = { readonly [Key in keyof typeof MEASURED]: number };

/** @param ordersPerSecond peak rate, greater than 0 */
export function estimateCapacity(
  ordersPerSecond: number,
  cost: OrderCost = MEASURED,
): CapacityEstimate {
  const cores = (cpuMs: number) => (ordersPerSecond * cpuMs) / 1000 / ASSUMPTIONS.utilisation;
  const processes = (cpuMs: number, coresEach: number) =>
    Math.max(2, Math.ceil(cores(cpuMs) / coresEach));

  const bridges = processes(cost.bridgeCpuMs, ASSUMPTIONS.coresPerBridge);
  const workers = processes(cost.workerCpuMs, ASSUMPTIONS.coresPerWorker);
  const bytesPerSecond = ordersPerSecond * cost.messageBytes;
  const stateTransitionsPerSecond = ordersPerSecond * cost.stateTransitions;
  const actionsPerSecond = ordersPerSecond * cost.actions;
  const perDay = ordersPerSecond * SECONDS_PER_DAY;
  const estimate = {
    ordersPerSecond,
    kafka: {
      partitions: bridges * ASSUMPTIONS.partitionsPerBridge,
      brokers: Math.max(
        ASSUMPTIONS.replication,
        Math.ceil((bytesPerSecond * ASSUMPTIONS.replication) / ASSUMPTIONS.brokerBytesPerSecond),
      ),
      bytesPerSecond,
      cores: cores(cost.kafkaCpuMs),
    },
    bridges,
    workers,
    temporal: {
      cores: {
        frontend: cores(cost.frontendCpuMs),
        history: cores(cost.historyCpuMs + cost.deletionCpuMs),
        matching: cores(cost.matchingCpuMs),
      },
      hosts: hostsFor(ordersPerSecond, cost),
      taskQueuePartitions: Math.ceil(ordersPerSecond / ASSUMPTIONS.tasksPerPartition),
      historyShards: shardsFor(stateTransitionsPerSecond),
      databaseCores: cores(cost.temporalDatabaseCpuMs + cost.deletionDatabaseCpuMs),
      stateTransitionsPerSecond,
      grpcCallsPerSecond: ordersPerSecond * cost.frontendCalls,
      mainBytesPerDay: perDay * cost.mainBytes,
      visibilityBytesPerDay: perDay * cost.visibilityBytes,
    },
    postgres: {
      cores: cores(cost.postgresCpuMs),
      connections: workers * ASSUMPTIONS.connectionsPerWorker,
      bytesPerDay: perDay * cost.rowBytes,
    },
    cloud: {
      actionsPerSecond,
      actionsPerMonth: actionsPerSecond * SECONDS_PER_DAY * DAYS_PER_MONTH,
      requestsPerSecond: ordersPerSecond * cost.frontendCalls,
    },
  };
  return { ...estimate, limits: limitsOf(estimate) };
}

/** The hosts of each service, so that none needs more calls than it accepts by default. */
function hostsFor(
  ordersPerSecond: number,
  cost: OrderCost,
): Readonly<Record<TemporalService, number>> {
  const hosts = (callsEach: number, limit: number) =>
    Math.ceil((ordersPerSecond * callsEach) / limit / ASSUMPTIONS.limitUtilisation);
  return {
    frontend: hosts(cost.frontendCalls, SERVER_LIMITS.frontend.calls),
    history: Math.max(
      hosts(cost.historyCalls, SERVER_LIMITS.history.calls),
      hosts(
        cost.historyDatabaseCalls + cost.deletionDatabaseCalls,
        SERVER_LIMITS.history.databaseCalls,
      ),
    ),
    matching: Math.max(
      hosts(cost.matchingCalls, SERVER_LIMITS.matching.calls),
      hosts(cost.matchingDatabaseCalls, SERVER_LIMITS.matching.databaseCalls),
    ),
  };
}

/** A power of two, as Temporal recommends. */
function shardsFor(stateTransitionsPerSecond: number): number {
  const { shardBusyMs, shardUtilisation, minShards, maxShards } = ASSUMPTIONS;
  const busyShards = (stateTransitionsPerSecond * shardBusyMs) / 1000;
  const needed = 2 ** Math.ceil(Math.log2(Math.max(1, busyShards / shardUtilisation)));
  return Math.min(maxShards, Math.max(minShards, needed));
}

function limitsOf(estimate: Omit<CapacityEstimate, 'limits'>): readonly Limit[] {
  const { ordersPerSecond, temporal, postgres, cloud } = estimate;
  const { coresOfLargestPostgres, commitsPerSecond, connectionsOfPostgres } = ASSUMPTIONS;
  const { cloudActionsPerSecond, cloudRequestsPerSecond } = ASSUMPTIONS;
  const limits: readonly (Limit | false)[] = [
    postgres.connections > connectionsOfPostgres && {
      part: 'Postgres',
      reached: `${figure(postgres.connections)} connections`,
      change:
        'put a connection pooler such as PgBouncer in front of it, or give the workers fewer slots',
    },
    Math.max(...Object.values(temporal.hosts)) > 1 && {
      part: 'Temporal',
      reached: hostsText(temporal.hosts),
      change:
        'a host with the default limits accepts no more calls; run that many, or raise the limits in the dynamic configuration: frontend.rps, frontend.namespaceRPS, frontend.namespaceRPS.visibility, history.rps, history.persistenceMaxQPS, matching.rps, matching.persistenceMaxQPS',
    },
    temporal.hosts.matching > 1 && {
      part: 'Temporal',
      reached: `${figure(temporal.taskQueuePartitions)} partitions of the task queue on ${figure(temporal.hosts.matching)} hosts of matching`,
      change:
        'a hash places them, so that some hosts get more than others and reach matching.rps: raise it, or spread them (docs/temporal-server.md)',
    },
    temporal.taskQueuePartitions > ASSUMPTIONS.defaultPartitions && {
      part: 'Temporal',
      reached: `${figure(temporal.taskQueuePartitions)} partitions of the task queue`,
      change: `set matching.numTaskqueueWritePartitions and matching.numTaskqueueReadPartitions; the default is ${ASSUMPTIONS.defaultPartitions}`,
    },
    temporal.databaseCores > coresOfLargestPostgres && {
      part: 'Temporal',
      reached: `a database of ${figure(temporal.databaseCores)} cores`,
      change:
        'no single Postgres server is that large; use Cassandra with Elasticsearch for visibility, several clusters with one topic each, or Temporal Cloud',
    },
    (cloud.actionsPerSecond > cloudActionsPerSecond ||
      cloud.requestsPerSecond > cloudRequestsPerSecond) && {
      part: 'Temporal Cloud',
      reached: `${figure(cloud.actionsPerSecond)} actions and ${figure(cloud.requestsPerSecond)} requests per second`,
      change: `have the limits of the namespace raised beforehand; the defaults are ${figure(cloudActionsPerSecond)} and ${figure(cloudRequestsPerSecond)}`,
    },
    ordersPerSecond > commitsPerSecond && {
      part: 'Postgres',
      reached: `${figure(ordersPerSecond)} commits per second`,
      change:
        'one primary cannot make that many single commits durable; store several orders per statement, and shard the tables across several databases by order ID',
    },
    ordersPerSecond > commitsPerSecond && {
      part: 'the design',
      reached: 'one workflow per order',
      change:
        'start one workflow per batch of messages, so that a few hundred orders share its cost; the primary key in Postgres then catches duplicates, and each failed order gets its own workflow',
    },
  ];
  return limits.filter((limit) => limit !== false);
}

const hostsText = (hosts: Readonly<Record<TemporalService, number>>) =>
  Object.entries(hosts)
    .map(([service, count], index) =>
      index === 0 ? `${counted(count, 'host')} of ${service}` : `${figure(count)} of ${service}`,
    )
    .join(', ');

const figure = (number: number): string => Math.ceil(number).toLocaleString('en');
