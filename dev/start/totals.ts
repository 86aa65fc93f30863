import { Client, Connection, WorkflowFailedError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import kafkajs, { type Admin } from 'kafkajs';
import { INGEST_ORDER } from '../../src/contract/ingest-workflow.ts';
import { committedOffsets, isOffset } from '../../src/kafka/group-positions.ts';
import { disableIdlePolling } from '../../src/kafka/patches/idle-connections.ts';
import { createDatabasePool } from '../../src/postgres/database-pool.ts';

/** Current counts in Kafka, Postgres and Temporal. */
export interface Totals {
  /** Messages on the topics that the consumer group has not committed. */
  readonly lag: number;
  readonly storedOrders: number;
  readonly running: number;
  readonly failed: number;
}

export interface TotalsReader {
  read(): Promise<Totals>;
  /** Number of failed workflows by failure type, among the latest hundred. */
  failureTypes(): Promise<Readonly<Record<string, number>>>;
  areTopicsEmpty(): Promise<boolean>;
  close(): Promise<void>;
}

export interface TotalsOptions {
  readonly brokers: string;
  readonly temporalAddress: string;
  readonly namespace: string;
  readonly databaseUrl: string;
  readonly topics: readonly string[];
  readonly groupId: string;
  readonly taskQueue: string;
}

/** How long to wait for a server. */
const TIMEOUT_MS = 3000;

export async function openTotals(options: TotalsOptions): Promise<TotalsReader> {
  const { topics, groupId } = options;
  const mine = `WorkflowType = '${INGEST_ORDER}' AND TaskQueue = '${options.taskQueue}'`;
  disableIdlePolling();
  const admin = new kafkajs.Kafka({
    brokers: options.brokers.split(','),
    logLevel: kafkajs.logLevel.NOTHING,
    retry: { retries: 2 },
  }).admin();
  await admin.connect();
  const connection = await Connection.connect({
    address: options.temporalAddress,
    interceptors: [],
  });
  const { workflow } = new Client({ connection, namespace: options.namespace });
  const pool = createDatabasePool({
    url: options.databaseUrl,
    maxConnections: 1,
    connectTimeoutMs: TIMEOUT_MS,
    statementTimeoutMs: TIMEOUT_MS,
    onIdleError: () => undefined,
  });

  return {
    async read() {
      const [lags, stored, workflows] = await Promise.all([
        Promise.all(topics.map((topic) => lagOf(admin, topic, groupId))),
        pool.query<{ count: string }>('SELECT count(*) FROM orders'),
        connection.withDeadline(Date.now() + TIMEOUT_MS, () =>
          workflow.count(`${mine} GROUP BY ExecutionStatus`),
        ),
      ]);
      const byStatus = (status: string) =>
        workflows.groups.find(({ groupValues }) => String(groupValues[0]) === status)?.count ?? 0;
      return {
        lag: lags.reduce((sum, lag) => sum + lag, 0),
        storedOrders: Number(stored.rows[0]?.count ?? 0),
        running: byStatus('Running'),
        failed: byStatus('Failed'),
      };
    },
    async failureTypes() {
      const types: Record<string, number> = {};
      for await (const { workflowId } of workflow.list({
        query: `${mine} AND ExecutionStatus = 'Failed'`,
        pageSize: 100,
      })) {
        const type = await failureType(() => workflow.getHandle(workflowId).result());
        types[type] = (types[type] ?? 0) + 1;
        if (Object.values(types).reduce((a, b) => a + b) >= 100) break;
      }
      return types;
    },
    async areTopicsEmpty() {
      const offsets = await Promise.all(topics.map((topic) => admin.fetchTopicOffsets(topic)));
      return offsets.flat().every(({ high }) => high === '0');
    },
    async close() {
      await Promise.allSettled([admin.disconnect(), connection.close(), pool.end()]);
    },
  };
}

async function lagOf(admin: Admin, topic: string, groupId: string): Promise<number> {
  const [ends, committed] = await Promise.all([
    admin.fetchTopicOffsets(topic),
    committedOffsets(admin, groupId, topic),
  ]);
  return ends.reduce((lag, { partition, high, low }) => {
    const offset = committed.get(partition);
    return lag + Number(high) - Math.max(isOffset(offset) ? Number(offset) : 0, Number(low));
  }, 0);
}

async function failureType(result: () => Promise<unknown>): Promise<string> {
  try {
    await result();
    return 'none';
  } catch (error) {
    const cause = error instanceof WorkflowFailedError ? error.cause : undefined;
    return (cause instanceof ApplicationFailure ? cause.type : undefined) ?? 'other';
  }
}
