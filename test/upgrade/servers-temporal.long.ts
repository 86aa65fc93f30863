import { jest } from '@jest/globals';
import { clearLockedPorts } from 'get-port';
import { quietly } from '../../dev/stack/show-steps.ts';
import { startStack, stopStack } from '../../dev/stack/stack.ts';
import { eventually } from '../support/eventually.ts';
import { runCli } from '../support/programs.ts';
import { setUpEach } from '../support/set-up.ts';
import { stackAddress, uniqueName } from '../support/stack.ts';
import { RUN } from './harness/options.ts';
import { createUpgradeWorld, type UpgradeWorld } from './harness/upgrade-world.ts';

/**
 * Upgrades the Temporal server while orders flow, one minor version at a time, as Temporal requires it. The
 * servers are built on the first run, which takes several minutes each.
 */
jest.setTimeout(7_200_000);

const VERSIONS = (process.env['UPGRADE_TEMPORAL_VERSIONS'] ?? '1.29.1,1.30.8,1.31.2,1.32.1').split(
  ',',
);
const [FIRST = '', ...LATER] = VERSIONS;
const DEPLOYMENT = 'upgrade';
const BUILD_ID = '1.0';

let name: string;
let world: UpgradeWorld;
setUpEach(async (onUndo) => {
  name = uniqueName('upgrade');
  onUndo(() => stopStack(name));
  const { DATABASE_URL: databaseUrl = '', TEMPORAL_ADDRESS: temporal = '' } = await start(FIRST);
  world = await createUpgradeWorld({ temporal, databaseUrl });
  onUndo(() => world.close());
});

/** Starts Postgres and this version of the server, or replaces the server: the schema first, then the process. */
function start(temporalVersion: string) {
  // get-port never returns a port twice within one process.
  clearLockedPorts();
  const env = {
    ...process.env,
    KAFKA_BROKERS: stackAddress('KAFKA_BROKERS'),
    TEMPORAL_ADDRESS: '',
    DATABASE_URL: '',
  };
  return startStack(
    { name, ephemeral: true, durable: true, temporalKind: 'postgres', temporalVersion, env },
    quietly,
  );
}

const sql = (text: string) => world.system.database.pool.query(text);

/** One order in ten is retried until `storeAll`, so that orders are open throughout the upgrade. */
const retrySome = () =>
  sql(`CREATE FUNCTION disk_full() RETURNS trigger LANGUAGE plpgsql AS
      $$ BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = '53100'; END $$;
    CREATE TRIGGER disk_full BEFORE INSERT ON orders FOR EACH ROW
      WHEN (NEW.order_id LIKE '%7') EXECUTE FUNCTION disk_full()`);
const storeAll = () => sql('DROP TRIGGER disk_full ON orders');

/** The number of orders with this status, by the visibility store. */
async function listed(status: string): Promise<number> {
  const { system } = world;
  const { exitCode, stdout, stderr } = await runCli(
    ['orders', 'list', '--status', status, '--limit', '1000', '--json'],
    { ...system.bridgeEnv, ...system.workerEnv },
  );
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  return stdout.split('\n').filter((line) => line.trim() !== '').length;
}

async function currentVersion(): Promise<string | undefined> {
  const { client } = world.system;
  const { workerDeploymentInfo } = await client.workflowService.describeWorkerDeployment({
    namespace: client.options.namespace,
    deploymentName: DEPLOYMENT,
  });
  return workerDeploymentInfo?.routingConfig?.currentDeploymentVersion?.buildId ?? undefined;
}

async function makeCurrent(): Promise<void> {
  const { client } = world.system;
  await eventually(async () => {
    await client.workflowService.setWorkerDeploymentCurrentVersion({
      namespace: client.options.namespace,
      deploymentName: DEPLOYMENT,
      buildId: BUILD_ID,
    });
  });
}

test(`no order is lost while Temporal is upgraded: ${VERSIONS.join(', ')}, ${RUN}`, async () => {
  await retrySome();
  world.phase(FIRST);
  let bridge = await world.startBridge();
  const worker = await world.startWorker({
    TEMPORAL_DEPLOYMENT_NAME: DEPLOYMENT,
    TEMPORAL_BUILD_ID: BUILD_ID,
  });
  await makeCurrent();
  await world.storedMore(50);
  await eventually(async () => {
    expect(await listed('running')).toBeGreaterThan(0);
    expect(await listed('failed')).toBeGreaterThan(0);
  });
  for (const version of LATER) {
    const failed = await listed('failed');
    const running = await listed('running');
    world.phase(`to ${version}`);
    await start(version);
    // Orders that were started but not committed are started again, and recognized by their request ID.
    await bridge.end('SIGKILL');
    bridge = await world.startBridge();
    await world.storedMore(20);
    world.phase(version);
    expect(await listed('failed')).toBeGreaterThanOrEqual(failed);
    expect(await listed('running')).toBeGreaterThanOrEqual(Math.min(running, 1));
    expect(await currentVersion()).toBe(BUILD_ID);
    const { raw } = await world.system.client.connection.workflowService
      .getSystemInfo({})
      .then((raw) => ({ raw }));
    expect(raw.serverVersion).toBe(version);
    await world.storedMore(30);
  }
  world.phase('open orders are stored');
  await storeAll();
  await world.storedMore(20);
  await world.finish();
  expect(worker.exitStatus()).toBeUndefined();
});
