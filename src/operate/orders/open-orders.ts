import { readSettings, type Environment, type Settings } from '../../config/read-settings.ts';
import { ORDERS_ROLE } from '../../config/roles.ts';
import { connectTemporal, temporalTarget } from '../../temporal/connect.ts';
import type { OrderNamespace } from '../../temporal/order-workflow.ts';
import { grpcErrorOf, temporalFailed } from '../../temporal/temporal-error.ts';

export interface OrdersConnection extends OrderNamespace {
  readonly settings: Settings<typeof ORDERS_ROLE>;
}

/**
 * Connects to Temporal while `work` runs. Throws an OperatorError when the settings are invalid, or
 * Temporal is unreachable or rejects a call.
 */
export async function withOrders<Result>(
  env: Environment,
  work: (orders: OrdersConnection) => Promise<Result>,
): Promise<Result> {
  const settings = readSettings(ORDERS_ROLE, env);
  const target = temporalTarget(env);
  const client = await connectTemporal(target);
  try {
    return await work({
      ...{ settings, client },
      workflowIdPrefix: settings.temporal.workflowIdPrefix,
      workflowIdKey: settings.payload.workflowIdKey?.current(),
    });
  } catch (error) {
    throw grpcErrorOf(error) ? temporalFailed(target, error) : error;
  } finally {
    await client.connection.close();
  }
}
