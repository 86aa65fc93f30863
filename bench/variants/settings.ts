import { createOrderSystem } from '../harness/order-system.ts';
import type { Variants } from './variants.ts';

const COUNT = 1500;

/** Compares values of one setting of the worker or the bridge. */
const bySetting = (name: string, setting: string, values: readonly string[]): Variants => ({
  name,
  what: `orders from a full topic to rows, by ${setting}`,
  unit: 'orders/s',
  async prepare({ pids }) {
    const systems = await Promise.all(
      values.map((value) =>
        createOrderSystem(pids, {
          startWorker: (system) => system.startWorker({ [setting]: value }),
          bridgeEnv: { [setting]: value },
        }),
      ),
    );
    return {
      sides: systems.map((orders, index) => ({
        name: values[index] ?? '',
        measure: () => orders.ingest(COUNT),
      })),
      async close() {
        await Promise.all(systems.map((system) => system.close()));
      },
    };
  },
});

export const settingVariants: readonly Variants[] = [
  bySetting('waiting-orders', 'BRIDGE_MAX_WAITING_ORDERS', ['50', '100', '200', '400', '1000']),
  bySetting('cached-workflows', 'WORKER_MAX_CACHED_WORKFLOWS', ['10', '100', '1000']),
  bySetting('workflow-task-slots', 'WORKER_WORKFLOW_TASK_SLOTS', ['10', '40', '200']),
  bySetting('local-activity-slots', 'WORKER_LOCAL_ACTIVITY_SLOTS', ['4', '16', '64']),
];
