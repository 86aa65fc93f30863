import { readSettings } from '../../../src/config/read-settings.ts';
import { WORKER_ROLE } from '../../../src/config/roles.ts';
import { EagerSlots } from '../../../src/worker/eager-slots.ts';
import {
  deploymentOptions,
  pollerOptions,
  poolSize,
  slotSuppliers,
  STORE_ATTEMPT_MS,
  storeWaitMs,
} from '../../../src/worker/worker-options.ts';

const workerSettings = (env: Readonly<Record<string, string>>) =>
  readSettings(WORKER_ROLE, { DATABASE_URL: 'postgres://h/d', ...env }).worker;

describe('a worker', () => {
  test('has a database connection per activity slot, and one for the probe', () => {
    const settings = workerSettings({
      WORKER_LOCAL_ACTIVITY_SLOTS: '5',
      WORKER_ACTIVITY_SLOTS: '3',
    });
    expect(slotSuppliers(settings)).toMatchObject({
      localActivityTaskSlotSupplier: { type: 'fixed-size', numSlots: 5 },
      activityTaskSlotSupplier: { type: 'fixed-size', numSlots: 3 },
    });
    expect(poolSize(settings)).toBe(9);
  });

  // With a bridge in its process, it has a quarter of the slots for polled tasks, and at least three.
  test.each([
    ['40', '1000', 10, 3],
    ['8', '1000', 2, 1],
    ['2', '1000', 1, 1],
    ['40', '8', 2, 2],
  ])(
    'with %s workflow task slots and %s cached workflows has pollers that cannot occupy all slots',
    (slots, cached, alone, withBridge) => {
      const settings = workerSettings({
        WORKER_WORKFLOW_TASK_SLOTS: slots,
        WORKER_MAX_CACHED_WORKFLOWS: cached,
      });
      expect(pollerOptions(settings)).toMatchObject({
        workflowTaskPollerBehavior: { type: 'autoscaling', maximum: alone },
      });
      expect(pollerOptions(settings, new EagerSlots(Number(slots)))).toMatchObject({
        workflowTaskPollerBehavior: { maximum: withBridge, initial: withBridge },
      });
    },
  );

  test('is versioned only if the settings name a deployment and a build', () => {
    expect(deploymentOptions(workerSettings({}))).toEqual({});
    const both = { TEMPORAL_DEPLOYMENT_NAME: 'orders', TEMPORAL_BUILD_ID: 'abc' };
    expect(deploymentOptions(workerSettings(both))).toEqual({
      workerDeploymentOptions: {
        version: { deploymentName: 'orders', buildId: 'abc' },
        useWorkerVersioning: true,
        defaultVersioningBehavior: 'AUTO_UPGRADE',
      },
    });
  });

  test.each(['TEMPORAL_DEPLOYMENT_NAME', 'TEMPORAL_BUILD_ID'])(
    'is rejected with %s alone',
    (name) => {
      expect(() => deploymentOptions(workerSettings({ [name]: 'x' }))).toThrow(/Only one of/);
    },
  );

  test.each([
    ['by default', {}, 20_000],
    [
      'with long timeouts',
      { DATABASE_CONNECT_TIMEOUT_MS: '5000', DATABASE_STATEMENT_TIMEOUT_MS: '20000' },
      3000,
    ],
    [
      'with the longest timeouts',
      { DATABASE_CONNECT_TIMEOUT_MS: '4000', DATABASE_STATEMENT_TIMEOUT_MS: '25000' },
      0,
    ],
    ['with several hosts', { DATABASE_URL: 'postgres://a,b,c,d,e,f,g,h/d' }, 9000],
  ])('waits for Postgres only as long as an attempt leaves time for: %s', (_, env, waitMs) => {
    const { database } = readSettings(WORKER_ROLE, { DATABASE_URL: 'postgres://h/d', ...env });
    expect(storeWaitMs(database)).toBe(waitMs);
    expect(waitMs).toBeLessThan(STORE_ATTEMPT_MS);
  });
});
