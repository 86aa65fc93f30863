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
