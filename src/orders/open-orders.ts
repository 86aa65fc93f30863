import { readSettings, type Environment, type Settings } from '../config/read-settings.ts';
import { ORDERS_ROLE } from '../config/roles.ts';
import { describeError, OperatorError } from '../program/operator-error.ts';
import { connectTemporal } from '../temporal/connect.ts';
import { temporalTarget } from '../temporal/connection-options.ts';
import type { OrderPlace } from './order-place.ts';

export interface OpenOrders extends OrderPlace {
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
    if (error instanceof OperatorError) throw error;
    throw new OperatorError(
      `Temporal at ${target.address} did not do it: ${describeError(error)}`,
      'correct --query if you gave one; else check that the server runs, and start it again',
      { cause: error },
    );
  } finally {
    await client.connection.close();
  }
}
