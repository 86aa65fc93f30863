import type { Client } from '@temporalio/client';
import { readSettings, type Environment, type Settings } from '../../config/read-settings.ts';
import { ORDERS_ROLE } from '../../config/roles.ts';
import { connectTemporal } from '../../temporal/connect.ts';
import { temporalTarget } from '../../temporal/connection-options.ts';
import { grpcErrorOf, temporalFailed } from '../../temporal/temporal-error.ts';

/** Where the orders of one service are. */
export interface OrderNamespace {
  readonly client: Client;
  readonly workflowIdPrefix: string;
}

export interface OpenOrders extends OrderNamespace {
  readonly settings: Settings<typeof ORDERS_ROLE>;
}

/**
 * Connects to Temporal for the time of `work`. Throws an OperatorError when Temporal cannot be
 * reached or refuses a query.
 */
export async function withOrders<Result>(
  env: Environment,
  work: (orders: OpenOrders) => Promise<Result>,
): Promise<Result> {
  const settings = readSettings(ORDERS_ROLE, env);
  const target = temporalTarget(env);
  const client = await connectTemporal(target);
  try {
    return await work({ settings, client, workflowIdPrefix: settings.temporal.workflowIdPrefix });
  } catch (error) {
    throw grpcErrorOf(error) ? temporalFailed(target, error) : error;
  } finally {
    await client.connection.close();
  }
}
