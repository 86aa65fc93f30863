import { readSettings, type Environment } from '../../config/read-settings.ts';
import { DATABASE_SETUP_ROLE } from '../../config/roles.ts';
import { loadWithOrigin } from '../../order-module/load-order-module.ts';
import { fromError, ok, type Finding } from './finding.ts';

const CHECK = 'Order module';

/** Which order module this process loads; the programs log theirs as `order_module_loaded`. Never throws. */
export async function checkOrderModule(env: Environment): Promise<Finding> {
  try {
    const { order } = readSettings({ order: DATABASE_SETUP_ROLE.order }, env);
    const { origin } = await loadWithOrigin(order.module);
    const { orderModule, orderModuleFrom, orderModuleDigest } = origin;
    const digest = orderModuleDigest === undefined ? '' : ` (SHA-256 ${orderModuleDigest}…)`;
    return ok(CHECK, `"${orderModule}", ${orderModuleFrom}${digest}`);
  } catch (error) {
    return fromError(CHECK, error, 'correct the module that ORDER_MODULE names');
  }
}
