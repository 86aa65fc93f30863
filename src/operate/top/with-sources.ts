import type { Environment } from '../../config/read-settings.ts';
import { withLag, type GroupLag } from '../lag/with-lag.ts';
import { withOrders, type OpenOrders } from '../orders/open-orders.ts';
import { withStoredOrders, type StoredOrdersPool } from '../orders/stored-orders.ts';
import { describeError } from '../../program/operator-error.ts';
import type { Part, Sources } from './sample.ts';

/** Connects to all three servers for the time of `work`; one that cannot be had does not end it. */
export const withSources = (
  env: Environment,
  bridges: readonly string[],
  work: (sources: Sources) => Promise<void>,
): Promise<void> =>
  withPart<GroupLag>(
    (use) => withLag(env, use),
    (lag) =>
      withPart<OpenOrders>(
        (use) => withOrders(env, use),
        (temporal) =>
          withPart<StoredOrdersPool>(
            (use) => withStoredOrders(env, use),
            (postgres) => work({ lag, temporal, postgres, bridges }),
          ),
      ),
  );

/** Runs `work` with the connection, or with the reason why there is none. */
async function withPart<Connection>(
  connect: (use: (connection: Connection) => Promise<void>) => Promise<void>,
  work: (part: Part<Connection>) => Promise<void>,
): Promise<void> {
  const state = { isConnected: false };
  try {
    await connect((value) => {
      state.isConnected = true;
      return work({ ok: true, value });
    });
  } catch (error) {
    if (state.isConnected) throw error;
    await work({ ok: false, error: describeError(error) });
  }
}
