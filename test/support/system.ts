import type { Client } from '@temporalio/client';
import { createTestDatabase, type TestDatabase } from './database.ts';
import { eventually } from './eventually.ts';
import { createTestTopic, type TestTopic } from './kafka.ts';
import { startProgram, type ProgramEnv, type RunningProgram } from './programs.ts';
import type { SecuredTemporal } from './secured-temporal.ts';
import { stackAddress, uniqueName } from './stack.ts';
import { connectTestTemporal } from './temporal.ts';

export interface ProgramPair {
  readonly bridge: RunningProgram;
  readonly worker: RunningProgram;
}

/** The topic, task queue and database of one test, and the programs that it runs on them. */
export interface TestSystem {
  readonly topic: TestTopic;
  readonly database: TestDatabase;
  readonly client: Client;
  readonly bridgeEnv: ProgramEnv;
  readonly workerEnv: ProgramEnv;
  /** A bridge and a worker; in test/one-process, both are the same process. */
  startPair(env?: { bridge?: ProgramEnv; worker?: ProgramEnv }): Promise<ProgramPair>;
  /** Bridge and worker in one process. */
  startBoth(env?: ProgramEnv): Promise<RunningProgram>;
  /** @param main the `main.js` of another build */
  startBridge(env?: ProgramEnv, main?: string): Promise<RunningProgram>;
  startWorker(env?: ProgramEnv, main?: string): Promise<RunningProgram>;
  workflowId(orderId: string): string;
  workflow(orderId: string): ReturnType<Client['workflow']['getHandle']>;
  /** The status of the order's workflow, such as `COMPLETED`. */
  status(orderId: string): Promise<string>;
  storedOrderIds(): Promise<readonly string[]>;
  /** Waits until the group has committed every message on the topic. */
  allCommitted(): Promise<void>;
  close(): Promise<void>;
}

/**
 * Whether every bridge and every worker of the tests in this file is both in one process. See test/one-process.
 */
export const inOneProcess = (): boolean => process.env['TEST_PROGRAMS'] === 'one-process';

const partsOf = (both: RunningProgram): ProgramPair => ({
  bridge: both,
  worker: { ...both, http: (method, path) => both.http(method, path, 'worker') },
});

/** The status of an order that has been started: completed only if there is a worker. */
export const STARTED = /^(?:RUNNING|COMPLETED)$/;

/** Short intervals, so that tests do not wait for the defaults, which suit operators. */
const FAST_SETTINGS = {
  KAFKA_SESSION_TIMEOUT_MS: '6000',
  KAFKA_HEARTBEAT_INTERVAL_MS: '500',
  // A fetch in progress delays a shutdown and a rebalance.
  KAFKA_POLL_TIMEOUT_MS: '200',
  BRIDGE_COMMIT_INTERVAL_MS: '100',
  BRIDGE_PROGRESS_INTERVAL_MS: '100',
};

export async function createTestSystem(
  options: {
    partitions?: number;
    brokers?: string;
    temporalAddress?: string;
    /** A Temporal server with TLS, instead of the one of the stack. */
    securedTemporal?: SecuredTemporal;
    databaseUrl?: string;
    maxMessageBytes?: number;
    leaders?: readonly number[];
    groupId?: string;
    /** Whether the bridge has `FAST_SETTINGS` instead of its defaults. Default: true. */
    fastSettings?: boolean;
  } = {},
): Promise<TestSystem> {
  const { securedTemporal } = options;
  const temporalAddress =
    securedTemporal?.address ?? options.temporalAddress ?? stackAddress('TEMPORAL_ADDRESS');
  const topic = await createTestTopic(options);
  const database = await createTestDatabase(
    options.databaseUrl === undefined ? {} : { base: options.databaseUrl },
  );
  const client = await (securedTemporal
    ? securedTemporal.connect()
    : connectTestTemporal(temporalAddress));
  const prefix = `${uniqueName('test')}:`;
  const temporalEnv = {
    TEMPORAL_ADDRESS: temporalAddress,
    ...securedTemporal?.env,
    TEMPORAL_NAMESPACE: stackAddress('TEMPORAL_NAMESPACE'),
    TEMPORAL_TASK_QUEUE: uniqueName('queue'),
    WORKFLOW_ID_PREFIX: prefix,
  };
  const bridgeEnv = {
    ...temporalEnv,
    KAFKA_BROKERS: options.brokers ?? stackAddress('KAFKA_BROKERS'),
    KAFKA_TOPIC: topic.name,
    KAFKA_GROUP_ID: topic.groupId,
    BRIDGE_HTTP_PORT: '0',
    ...((options.fastSettings ?? true) ? FAST_SETTINGS : {}),
  };
  const workerEnv = {
    ...temporalEnv,
    DATABASE_URL: database.url,
    // The default is for machines with time to spare.
    DATABASE_CONNECT_TIMEOUT_MS: '10000',
    WORKER_HTTP_PORT: '0',
  };
  const programs: RunningProgram[] = [];
  const start = async (name: 'bridge' | 'worker' | 'run', env: ProgramEnv, main?: string) => {
    const program = await startProgram(name, env, main);
    programs.push(program);
    return program;
  };
  const startBoth = (env: ProgramEnv = {}) => start('run', { ...workerEnv, ...bridgeEnv, ...env });
  const workflowId = (orderId: string) => `${prefix}${orderId}`;
  return {
    topic,
    database,
    client,
    bridgeEnv,
    workerEnv,
    async startPair({ bridge = {}, worker = {} } = {}) {
      if (inOneProcess()) return partsOf(await startBoth({ ...worker, ...bridge }));
      const [one, other] = await Promise.all([
        start('bridge', { ...bridgeEnv, ...bridge }),
        start('worker', { ...workerEnv, ...worker }),
      ]);
      return { bridge: one, worker: other };
    },
    startBoth,
    startBridge: (env = {}, main) =>
      inOneProcess() ? startBoth(env) : start('bridge', { ...bridgeEnv, ...env }, main),
    startWorker: async (env = {}, main) =>
      inOneProcess()
        ? partsOf(await startBoth(env)).worker
        : start('worker', { ...workerEnv, ...env }, main),
    workflowId,
    workflow: (orderId) => client.workflow.getHandle(workflowId(orderId)),
    async status(orderId) {
      return (await client.workflow.getHandle(workflowId(orderId)).describe()).status.name;
    },
    async storedOrderIds() {
      const { rows } = await database.pool.query<{ order_id: string }>(
        'SELECT order_id FROM orders ORDER BY order_id',
      );
      return rows.map(({ order_id }) => order_id);
    },
    allCommitted: () =>
      eventually(async () => {
        expect(await topic.lag()).toBe(0);
      }),
    async close() {
      await Promise.all(programs.map((program) => program.end('SIGKILL')));
      await topic.close();
      await client.connection.close();
      await database.drop();
    },
  };
}
