/** What can be set on a Temporal server on Postgres and on its databases to make it cheaper. */
export interface TemporalTuning {
  /** How the server talks to Postgres. `postgres12_pgx` keeps its statements prepared. */
  readonly plugin: 'postgres12' | 'postgres12_pgx';
  /** Parameters of its connections to Postgres. */
  readonly connectAttributes?: Readonly<Record<string, string>>;
  /** Whether indexes on search attributes contain only the workflows that have a value. */
  readonly partialIndexes: boolean;
  /** Environment variables of the server, such as `GOGC`. */
  readonly environment: Readonly<Record<string, string>>;
  /** Partitions per task queue; undefined for the server's default, 4. */
  readonly taskQueuePartitions?: number;
  /** Undefined for `DEFAULT_HISTORY_SHARDS`. */
  readonly historyShards?: number;
  /** Limit of the history service's cache of workflows, with two entries per workflow; undefined for 128,000. */
  readonly workflowCacheEntries?: number;
  /**
   * Limit of one cache of events for all shards of a history host, in bytes of their protocol buffers; undefined for the
   * server's default, a cache of 512 KiB for each shard.
   */
  readonly eventsCacheBytes?: number;
  /** How often per second a history shard reads its visibility tasks, at most; undefined for the server's default, 20. */
  readonly visibilityPolls?: number;
  /** The Postgres server with the visibility database; undefined for the one with the main database. */
  readonly visibilityUrl?: string;
  /** How many processes each service has; undefined for one process with all services. */
  readonly hosts?: ServiceHosts;
  /** Whether every process has an endpoint for Prometheus, which costs a little. */
  readonly metrics?: boolean;
}

/** Processes per service. The frontend is one, because clients connect to one address. */
export interface ServiceHosts {
  readonly frontend: 1;
  readonly history: number;
  readonly matching: number;
  readonly worker: number;
}

/** As Temporal's own templates configure it. */
export const AS_INSTALLED: TemporalTuning = {
  plugin: 'postgres12',
  partialIndexes: false,
  environment: {},
};

/** What docs/temporal-server.md recommends. `npm run bench -- tuned-server` compares both. */
export const TUNED = {
  plugin: 'postgres12_pgx',
  partialIndexes: true,
  // Garbage is collected at four times the live heap instead of twice, but sooner if memory gets short.
  environment: { GOGC: '300', GOMEMLIMIT: '1GiB' },
  // With the default, the server keeps up to 64,000 closed workflows, which the collector marks again and again.
  workflowCacheEntries: 10_000,
  // With several, tasks wait in one while the pollers wait at the others.
  taskQueuePartitions: 1,
  // The server does not record the start of a workflow that has closed when it reads the task.
  visibilityPolls: 1,
} satisfies TemporalTuning;

/**
 * The same for a server with as many history shards as Temporal's Helm chart has by default. With few shards, each holds so
 * many timers that reading those that are due takes a fifth of the time of all statements: see docs/performance.md.
 */
export const TUNED_WITH_MANY_SHARDS = {
  ...TUNED,
  environment: { ...TUNED.environment, GOMEMLIMIT: '1500MiB' },
  historyShards: 512,
  // A cache of events per shard would be 256 MiB altogether, and more than twice as much in memory.
  eventsCacheBytes: 16 * 2 ** 20,
} satisfies TemporalTuning;
