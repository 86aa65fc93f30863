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
