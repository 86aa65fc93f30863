import { randomBytes } from 'node:crypto';
import { BRIDGE_CODE, WORKER_CODE } from '../harness/measured-code.ts';
import { createOrderSystem } from '../harness/order-system.ts';
import type { Variants } from './variants.ts';

const COUNT = 1500;

/** Compares values of one setting of the worker or the bridge. */
const bySetting = (name: string, setting: string, values: readonly string[]): Variants =>
  byEnvironment(
    name,
    setting,
    values.map((value) => ({ side: value, env: { [setting]: value } })),
  );

/** Compares bridges and workers with these variables. */
const byEnvironment = (
  name: string,
  by: string,
  variants: readonly { readonly side: string; readonly env: Readonly<Record<string, string>> }[],
): Variants => ({
  name,
  what: `orders from a full topic to rows, by ${by}`,
  unit: 'orders/s',
  code: ['bench/variants/settings.ts', ...BRIDGE_CODE, ...WORKER_CODE],
  async prepare({ pids }) {
    const systems = await Promise.all(
      variants.map(({ env }) =>
        createOrderSystem(pids, {
          startWorker: (system) => system.startWorker(env),
          bridgeEnv: env,
        }),
      ),
    );
    return {
      sides: systems.map((orders, index) => ({
        name: variants[index]?.side ?? '',
        measure: () => orders.ingest(COUNT),
      })),
      async close() {
        await Promise.all(systems.map((system) => system.close()));
      },
    };
  },
});

const payloadEncryption = byEnvironment('payload-encryption', 'payload encryption', [
  { side: 'plain', env: {} },
  {
    side: 'encrypted',
    env: { TEMPORAL_PAYLOAD_KEYS: `bench:${randomBytes(32).toString('base64')}` },
  },
]);

export const settingVariants: readonly Variants[] = [
  bySetting('waiting-orders', 'BRIDGE_MAX_WAITING_ORDERS', ['50', '100', '200', '400', '1000']),
  bySetting('cached-workflows', 'WORKER_MAX_CACHED_WORKFLOWS', ['10', '100', '1000']),
  bySetting('workflow-task-slots', 'WORKER_WORKFLOW_TASK_SLOTS', ['10', '40', '200']),
  payloadEncryption,
  bySetting('local-activity-slots', 'WORKER_LOCAL_ACTIVITY_SLOTS', ['4', '16', '64']),
];
