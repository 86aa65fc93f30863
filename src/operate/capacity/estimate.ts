/** What is assumed and not measured; each with its reason in docs/capacity.md. */
export const ASSUMPTIONS = {
  /** How busy cores are to be: the rest is for peaks, and for a machine that is lost. */
  utilisation: 0.6,
  /** A bridge is one event loop. */
  coresPerBridge: 1,
  /** An event loop for the activities, threads for the workflows and for the SDK's core. */
  coresPerWorker: 2,
  /** Database connections of a worker with the default slots. */
  connectionsPerWorker: 25,
  /** So that bridges can be added, and share the partitions evenly. */
  partitionsPerBridge: 3,
  replication: 3,
  /** What a broker writes, replication included. */
  brokerBytesPerSecond: 50_000_000,
  /** How long a state transition occupies its history shard: one write to the database. */
  shardBusyMs: 5,
  /** How busy a shard may be, so that few transitions wait for another. */
  shardUtilisation: 0.2,
  /** Fewer would have to be paid for with a new cluster later: their number is for ever. */
  minShards: 512,
  maxShards: 16_384,
  /** The largest Postgres that one would run. */
  coresOfLargestPostgres: 64,
  /** Single commits that one Postgres makes durable in a second. */
  commitsPerSecond: 20_000,
  connectionsOfPostgres: 500,
  /** What a namespace of Temporal Cloud takes by default; it grows with use. */
  cloudActionsPerSecond: 500,
} as const;

/**
 * What one order costs, as `npm run bench` has measured it on Temporal's server on Postgres; see
 * docs/performance.md for the machine, and docs/capacity.md for how to put your own figures here. CPU is
 * in milliseconds of one of its cores.
 */
export const MEASURED = {
  bridgeCpuMs: 1.1,
  workerCpuMs: 4.6,
  temporalCpuMs: 6.5,
  /** Of the Postgres that Temporal keeps its state and its visibility in. */
  temporalDatabaseCpuMs: 6.4,
  /** Of the Postgres that the orders are stored in. */
  postgresCpuMs: 0.4,
  kafkaCpuMs: 0.2,
  /** With its key, without compression. */
  messageBytes: 270,
  /** The order's row, two line items and their indexes. */
  rowBytes: 610,
  /** As Temporal counts them. */
  stateTransitions: 3,
  historyEvents: 6,
  historyBytes: 1927,
  grpcCalls: 3.2,
  /** By the rules of Temporal Cloud. */
  actions: 2,
} as const;

/** What so many orders a second take. CPU is in cores like those of the measurement. */
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
  /** Where more of the same no longer helps. */
  readonly limits: readonly Limit[];
}

export interface Limit {
  readonly part: string;
  readonly reached: string;
  readonly change: string;
}

const SECONDS_PER_DAY = 86_400;
const DAYS_PER_MONTH = 30;

/** @param ordersPerSecond at the peak that is to be met, more than 0 */
export function estimateCapacity(ordersPerSecond: number): CapacityEstimate {
  const cores = (cpuMs: number) => (ordersPerSecond * cpuMs) / 1000 / ASSUMPTIONS.utilisation;
  const processes = (cpuMs: number, coresEach: number) =>
    Math.max(2, Math.ceil(cores(cpuMs) / coresEach));

  const bridges = processes(MEASURED.bridgeCpuMs, ASSUMPTIONS.coresPerBridge);
  const workers = processes(MEASURED.workerCpuMs, ASSUMPTIONS.coresPerWorker);
  const bytesPerSecond = ordersPerSecond * MEASURED.messageBytes;
  const stateTransitionsPerSecond = ordersPerSecond * MEASURED.stateTransitions;
  const actionsPerSecond = ordersPerSecond * MEASURED.actions;
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
      cores: cores(MEASURED.kafkaCpuMs),
    },
    bridges,
    workers,
    temporal: {
      serverCores: cores(MEASURED.temporalCpuMs),
      historyShards: shardsFor(stateTransitionsPerSecond),
      databaseCores: cores(MEASURED.temporalDatabaseCpuMs),
      stateTransitionsPerSecond,
      grpcCallsPerSecond: ordersPerSecond * MEASURED.grpcCalls,
      historyBytesPerDay: perDay * MEASURED.historyBytes,
    },
    postgres: {
      cores: cores(MEASURED.postgresCpuMs),
      connections: workers * ASSUMPTIONS.connectionsPerWorker,
      bytesPerDay: perDay * MEASURED.rowBytes,
    },
    cloud: {
      actionsPerSecond,
      actionsPerMonth: actionsPerSecond * SECONDS_PER_DAY * DAYS_PER_MONTH,
    },
  };
  return { ...estimate, limits: limitsOf(estimate) };
}

/** A power of two, as Temporal advises; no more than make sense. */
function shardsFor(stateTransitionsPerSecond: number): number {
  const { shardBusyMs, shardUtilisation, minShards, maxShards } = ASSUMPTIONS;
  const busy = (stateTransitionsPerSecond * shardBusyMs) / 1000;
  const wanted = 2 ** Math.ceil(Math.log2(Math.max(1, busy / shardUtilisation)));
  return Math.min(maxShards, Math.max(minShards, wanted));
}

function limitsOf(estimate: Omit<CapacityEstimate, 'limits'>): readonly Limit[] {
  const { ordersPerSecond, temporal, postgres, cloud } = estimate;
  const { coresOfLargestPostgres, commitsPerSecond, connectionsOfPostgres } = ASSUMPTIONS;
  const limits: readonly (Limit | false)[] = [
    postgres.connections > connectionsOfPostgres && {
      part: 'Postgres',
      reached: `${figure(postgres.connections)} connections`,
      change: 'put a pooler in front of it, such as PgBouncer, or give the workers fewer slots',
    },
    temporal.databaseCores > coresOfLargestPostgres && {
      part: 'Temporal',
      reached: `a database of ${figure(temporal.databaseCores)} cores`,
      change:
        'no single Postgres holds it: Cassandra with Elasticsearch for the visibility, several clusters with a topic each, or Temporal Cloud',
    },
    cloud.actionsPerSecond > ASSUMPTIONS.cloudActionsPerSecond && {
      part: 'Temporal Cloud',
      reached: `${figure(cloud.actionsPerSecond)} actions a second`,
      change: `more than the ${ASSUMPTIONS.cloudActionsPerSecond} that a namespace takes at first: have its limit raised before the orders come`,
    },
    ordersPerSecond > commitsPerSecond && {
      part: 'Postgres',
      reached: `${figure(ordersPerSecond)} commits a second`,
      change:
        'one primary does not make so many durable one by one: store several orders in a statement, and spread the table over several databases by order ID',
    },
    ordersPerSecond > commitsPerSecond && {
      part: 'the design',
      reached: 'one workflow an order',
      change:
        'a workflow for each batch of messages: some hundred orders share its cost, their duplicates are left to the key in Postgres, and a failed order gets a workflow of its own',
    },
  ];
  return limits.filter((limit) => limit !== false);
}

const figure = (number: number): string => Math.ceil(number).toLocaleString('en');
