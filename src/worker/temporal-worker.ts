import { NativeConnection, Worker, type WorkerOptions } from '@temporalio/worker';
import type { TemporalTarget } from '../temporal/connect.ts';
import { readQueueWorkers, type QueueWorkers } from '../temporal/queue-workers.ts';
import type { SupervisedWorker } from './supervise-worker.ts';

const CALL_TIMEOUT_MS = 3000;

/** A worker of the Temporal SDK and the connection that it uses alone. */
export class TemporalWorker implements SupervisedWorker {
  readonly #worker: Worker;
  readonly #connection: NativeConnection;
  readonly #namespace: string;

  private constructor(worker: Worker, connection: NativeConnection, namespace: string) {
    this.#worker = worker;
    this.#connection = connection;
    this.#namespace = namespace;
  }

  /** Connects and creates a worker that does not run yet. The SDK can release it only after it has run. */
  static async create(
    { namespace, ...connectionOptions }: TemporalTarget,
    options: Omit<WorkerOptions, 'connection' | 'namespace'>,
  ): Promise<TemporalWorker> {
    const connection = await NativeConnection.connect(connectionOptions);
    try {
      const worker = await Worker.create({ ...options, connection, namespace });
      return new TemporalWorker(worker, connection, namespace);
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

  shutdown(): void {
    if (this.#worker.getState() === 'RUNNING') this.#worker.shutdown();
  }

  close(): Promise<void> {
    return this.#connection.close();
  }

  /** Rejects while Temporal does not answer. */
  ping(): Promise<unknown> {
    return this.#withDeadline(() => this.#connection.workflowService.getSystemInfo({}));
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
