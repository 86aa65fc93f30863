import type { MessageSource } from '../../../src/contract/message.ts';
import { formatIssue, translateText } from '../../../src/contract/order-module.ts';
import { orderModule } from '../../../src/order/order-module.ts';
import { createDatabasePool } from '../../../src/postgres/database-pool.ts';
import { createOrderStore } from '../../../src/worker/order-store.ts';

/** Which messages a rival reads, and where it stores the orders: the settings of the bridge and the worker. */
export interface ProgramEnv {
  readonly brokers: string[];
  readonly topic: string;
  readonly groupId: string;
  readonly databaseUrl: string;
}

export const readProgramEnv = (): ProgramEnv => ({
  brokers: readVariable('KAFKA_BROKERS').split(','),
  topic: readVariable('KAFKA_TOPIC'),
  groupId: readVariable('KAFKA_GROUP_ID'),
  databaseUrl: readVariable('DATABASE_URL'),
});

export function readVariable(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set`);
  return value;
}

/** The order cannot be stored as it is, so a retry does not help. */
export class OrderFailure extends Error {
  override readonly name = 'OrderFailure';
}

export interface Ingest {
  /** Throws an `OrderFailure`, or an error that a retry can fix. Repeating it is harmless. */
  ingest(text: string, source: MessageSource): Promise<'stored' | 'already-stored'>;
  close(): Promise<void>;
}

/**
 * What the worker of order-ingest does with an order, for every rival: the complete translation, and the store
 * with its comparison of duplicates.
 */
export function createIngest(databaseUrl: string): Ingest {
  const pool = createDatabasePool({
    url: databaseUrl,
    // Also how long an order may wait for a connection: Restate runs a thousand handlers at once, and the loop
    // stores 500 orders at once, which must not fail for that reason.
    connectTimeoutMs: 30_000,
    statementTimeoutMs: 3000,
    // As many as a worker has by default.
    maxConnections: 25,
    onIdleError: () => undefined,
  });
  const orderStore = createOrderStore(pool, orderModule.storage);
  return {
    async ingest(text, source) {
      const translation = translateText(orderModule, text);
      if (translation.kind === 'invalid') {
        throw new OrderFailure(translation.issues.map(formatIssue).join('; '));
      }
      const { orderId, order, fingerprint } = translation;
      const outcome = await orderStore.store({ orderId, order, source, fingerprint });
      switch (outcome.kind) {
        case 'stored':
        case 'already-stored':
          return outcome.kind;
        case 'conflict':
          throw new OrderFailure('a different order with this ID is stored');
        case 'rejected':
          throw new OrderFailure(outcome.reason);
        default:
          return outcome satisfies never;
      }
    },
    close: () => pool.end(),
  };
}
