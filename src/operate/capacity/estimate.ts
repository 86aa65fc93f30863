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
    readonly serverCores: number;
    readonly historyShards: number;
    readonly databaseCores: number;
    readonly stateTransitionsPerSecond: number;
    readonly grpcCallsPerSecond: number;
    readonly historyBytesPerDay: number;
  };
  readonly postgres: {
    readonly cores: number;
    readonly connections: number;
    readonly bytesPerDay: number;
  };
  readonly cloud: { readonly actionsPerSecond: number; readonly actionsPerMonth: number };
  /** Where scaling out is not enough. */
  readonly limits: readonly Limit[];
}

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
  /** Target CPU utilization; the rest is headroom for peaks and for the loss of a machine. */
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
  /** Default limit of a Temporal Cloud namespace; it grows with use. */
  cloudActionsPerSecond: 500,
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
      serverCores: cores(cost.temporalCpuMs),
      historyShards: shardsFor(stateTransitionsPerSecond),
      databaseCores: cores(cost.temporalDatabaseCpuMs),
      stateTransitionsPerSecond,
      grpcCallsPerSecond: ordersPerSecond * cost.grpcCalls,
      historyBytesPerDay: perDay * cost.historyBytes,
    },
    postgres: {
      cores: cores(cost.postgresCpuMs),
      connections: workers * ASSUMPTIONS.connectionsPerWorker,
      bytesPerDay: perDay * cost.rowBytes,
    },
    cloud: {
      actionsPerSecond,
      actionsPerMonth: actionsPerSecond * SECONDS_PER_DAY * DAYS_PER_MONTH,
    },
  };
  return { ...estimate, limits: limitsOf(estimate) };
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
  const limits: readonly (Limit | false)[] = [
    postgres.connections > connectionsOfPostgres && {
      part: 'Postgres',
      reached: `${figure(postgres.connections)} connections`,
      change:
        'put a connection pooler such as PgBouncer in front of it, or give the workers fewer slots',
    },
    temporal.databaseCores > coresOfLargestPostgres && {
      part: 'Temporal',
      reached: `a database of ${figure(temporal.databaseCores)} cores`,
      change:
        'no single Postgres server is that large; use Cassandra with Elasticsearch for visibility, several clusters with one topic each, or Temporal Cloud',
    },
    cloud.actionsPerSecond > ASSUMPTIONS.cloudActionsPerSecond && {
      part: 'Temporal Cloud',
      reached: `${figure(cloud.actionsPerSecond)} actions per second`,
      change: `have the limit of the namespace raised beforehand; the default is ${ASSUMPTIONS.cloudActionsPerSecond}`,
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

const figure = (number: number): string => Math.ceil(number).toLocaleString('en');
