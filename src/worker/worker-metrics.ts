import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import { ORDER_OUTCOMES, type OrderOutcome } from '../activities/order-activities.ts';
import { ATTEMPT_OUTCOMES, STEP_NAMES, type OnAttempt } from '../activities/attempts.ts';
import { createProgramRegistry } from '../telemetry/program-metrics.ts';
import type { Conditions } from '../telemetry/health/health.ts';

/** What `pg.Pool` counts. */
export interface PoolCounts {
  readonly totalCount: number;
  readonly idleCount: number;
  readonly waitingCount: number;
}

export interface WorkerMetrics {
  readonly registry: Registry;
  readonly countOrder: (outcome: OrderOutcome) => void;
  readonly countAttempt: OnAttempt;
}

export function createWorkerMetrics(pool: PoolCounts, readiness: Conditions): WorkerMetrics {
  const registry = createProgramRegistry(readiness);
  const registers = [registry];
  const orders = new Counter({
    name: 'order_ingest_orders_total',
    help: 'Orders that this worker has finished, by outcome; invalid, conflict and rejected are failures.',
    labelNames: ['ending'],
    registers,
  });
  for (const outcome of ORDER_OUTCOMES) orders.inc({ ending: outcome }, 0);
  const attempts = new Counter({
    name: 'order_ingest_activity_attempts_total',
    help: 'Activity attempts by outcome: failed is final, retried is repeated by Temporal.',
    labelNames: ['activity', 'outcome'],
    registers,
  });
  for (const activity of STEP_NAMES) {
    for (const outcome of ATTEMPT_OUTCOMES) attempts.inc({ activity, outcome }, 0);
  }
  const duration = new Histogram({
    name: 'order_ingest_activity_duration_seconds',
    help: 'Duration of one activity attempt; that of storeOrder is the time Postgres takes.',
    labelNames: ['activity'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
    registers,
  });
  new Gauge({
    name: 'order_ingest_database_connections',
    help: "Connections in the worker's pool, by state.",
    labelNames: ['state'],
    registers,
    collect() {
      this.set({ state: 'idle' }, pool.idleCount);
      this.set({ state: 'in_use' }, pool.totalCount - pool.idleCount);
    },
  });
  new Gauge({
    name: 'order_ingest_database_waiting',
    help: 'Attempts waiting for a connection from the pool.',
    registers,
    collect() {
      this.set(pool.waitingCount);
    },
  });
  return {
    registry,
    countOrder: (outcome) => {
      orders.inc({ ending: outcome });
    },
    countAttempt: (activity, outcome, seconds) => {
      attempts.inc({ activity, outcome });
      duration.observe({ activity }, seconds);
    },
  };
}
