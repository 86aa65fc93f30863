import { isDeepStrictEqual } from 'node:util';
import {
  NativeConnection,
  Worker,
  type NativeConnectionOptions,
  type WorkerOptions,
} from '@temporalio/worker';
import { msNumberToTs } from '@temporalio/common/lib/time.js';
import type proto from '@temporalio/proto';
import type { TemporalTarget } from '../temporal/connect.ts';
import type { ConnectionSettings } from '../temporal/connection-settings.ts';
import { readQueueWorkers, type QueueWorkers } from '../temporal/queue-workers.ts';
import { StartGate } from './start-gate.ts';
import type { SupervisedWorker } from './supervise-worker.ts';

const CALL_TIMEOUT_MS = 3000;
const EAGER_TASK_TIMEOUT_MS = 5000;

type StartRequest = proto.temporal.api.workflowservice.v1.IStartWorkflowExecutionRequest;

/** A worker of the Temporal SDK and the connection that it uses alone. */
export class TemporalWorker implements SupervisedWorker {
  readonly #worker: Worker;
  readonly #namespace: string;
  readonly #startGate = new StartGate();
  #connection: NativeConnection;
  /** Those of the connection. */
  #settings: ConnectionSettings;

  private constructor(
    worker: Worker,
    parts: { connection: NativeConnection; namespace: string; settings: ConnectionSettings },
  ) {
    this.#worker = worker;
    this.#connection = parts.connection;
    this.#namespace = parts.namespace;
    this.#settings = parts.settings;
  }

  /** Connects and creates a worker that does not run yet. The SDK can release it only after it has run. */
  static async create(
    { namespace, read }: TemporalTarget,
    options: Omit<WorkerOptions, 'connection' | 'namespace'>,
  ): Promise<TemporalWorker> {
    // Read again, because a replacement of a worker that has failed needs the present certificates.
    const settings = read();
    const connection = await NativeConnection.connect(connectionOptions(settings));
    try {
      const worker = await Worker.create({ ...options, connection, namespace });
      return new TemporalWorker(worker, { connection, namespace, settings });
    } catch (error) {
      await connection.close();
      throw error;
    }
  }

  run(): Promise<void> {
    return this.#worker.run();
  }

  failure(): string | undefined {
    return this.#worker.getState() === 'FAILED'
      ? 'the SDK has ended it, see its log line "Worker failed"'
      : undefined;
  }

  shutdown(): Promise<void> {
    return this.#startGate.whileClosed(() => {
      if (this.#worker.getState() === 'RUNNING') this.#worker.shutdown();
    });
  }

  /**
   * Uses renewed certificates or a renewed API key, without interrupting what the worker is doing. Rejects if the
   * server does not accept them; the worker then keeps the ones it has.
   */
  async renew(settings: ConnectionSettings): Promise<void> {
    if (isDeepStrictEqual(settings, this.#settings)) return;
    const replaced = this.#connection;
    const connection = await NativeConnection.connect(connectionOptions(settings));
    try {
      await this.#startGate.whileClosed(() => {
        this.#worker.connection = connection;
      });
    } catch (error) {
      await connection.close();
      throw error;
    }
    this.#connection = connection;
    this.#settings = settings;
    // The SDK keeps it open until the calls that are in progress have ended.
    await replaced.close();
  }

  close(): Promise<void> {
    return this.#connection.close();
  }

  /** Rejects while Temporal does not answer, or does not accept the credentials. */
  ping(): Promise<unknown> {
    // Temporal answers GetSystemInfo without checking the API key.
    return this.#withDeadline(() =>
      this.#connection.workflowService.describeNamespace({ namespace: this.#namespace }),
    );
  }

  /**
   * Starts a workflow over the connection of this worker. The server answers with its first task if the worker has a
   * free slot for it. A crash before that task is completed delays the order by its timeout, which is therefore
   * shorter than the server's default of 10 s; a task that takes longer, because Postgres does, is extended.
   */
  startEagerly(
    request: StartRequest,
    timeoutMs: number,
  ): Promise<{ readonly runId: string; readonly isEager: boolean }> {
    const start = async () => {
      const { runId, eagerWorkflowTask } =
        await this.#connection.workflowService.startWorkflowExecution({
          ...request,
          requestEagerExecution: true,
          workflowTaskTimeout: msNumberToTs(EAGER_TASK_TIMEOUT_MS),
        });
      return { runId, isEager: Boolean(eagerWorkflowTask) };
    };
    return this.#startGate.pass(() => this.#connection.withDeadline(Date.now() + timeoutMs, start));
  }

  /** The workers that poll the task queue, and the versions that get new workflows. */
  queueWorkers(taskQueue: string): Promise<QueueWorkers> {
    return this.#withDeadline(() =>
      readQueueWorkers(this.#connection.workflowService, {
        namespace: this.#namespace,
        taskQueue,
      }),
    );
  }

  #withDeadline<Result>(call: () => Promise<Result>): Promise<Result> {
    return this.#connection.withDeadline(Date.now() + CALL_TIMEOUT_MS, call);
  }
}

const connectionOptions = ({
  address,
  metadata,
  apiKey,
  tls,
  grpcCompression,
}: ConnectionSettings): NativeConnectionOptions => ({
  address,
  metadata,
  grpcCompression: { codec: grpcCompression },
  ...(apiKey === undefined ? {} : { apiKey }),
  // Not undefined: with an API key, that would mean TLS.
  tls: tls !== undefined && {
    ...(tls.serverName === undefined ? {} : { serverNameOverride: tls.serverName }),
    ...(tls.serverCa ? { serverRootCACertificate: Buffer.from(tls.serverCa.text) } : {}),
    ...(tls.client
      ? {
          clientCertPair: {
            crt: Buffer.from(tls.client.certificate.text),
            key: Buffer.from(tls.client.key.text),
          },
        }
      : {}),
  },
});
