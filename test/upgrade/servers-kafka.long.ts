import { jest } from '@jest/globals';
import { KAFKA_VERSION } from '../../dev/stack/kafka.ts';
import { setUpEach } from '../support/set-up.ts';
import { librariesOf, startBrokerCluster, type BrokerCluster } from './harness/broker-cluster.ts';
import { RUN } from './harness/options.ts';
import { createUpgradeWorld, type UpgradeWorld } from './harness/upgrade-world.ts';

/** Restarts and upgrades the brokers of a cluster, one at a time, while orders flow. */
jest.setTimeout(1_800_000);

const NEWER_VERSION = '4.4.0';
const FEATURES = 'org.apache.kafka.tools.FeatureCommand';

let cluster: BrokerCluster;
let world: UpgradeWorld;
setUpEach(async (onUndo) => {
  cluster = await startBrokerCluster();
  onUndo(() => cluster.remove());
  world = await createUpgradeWorld({ kafka: cluster.brokers });
  onUndo(() => world.close());
});

/** Restarts every node, the active controller last, as docs/upgrades/servers.md says. */
async function rollingRestart(phase: string, libraries?: string): Promise<void> {
  const controller = await cluster.activeController();
  for (const id of [...cluster.ids.filter((other) => other !== controller), controller]) {
    const role = id === controller ? ', the active controller' : '';
    world.phase(`node ${id}${role}: ${phase}`);
    await cluster.stop(id, 'SIGTERM');
    await world.storedMore(10);
    await cluster.start(id, libraries);
  }
}

test(`no order is lost while brokers are restarted, killed and upgraded from ${KAFKA_VERSION} to ${NEWER_VERSION}: ${RUN}`, async () => {
  const libraries = await librariesOf(NEWER_VERSION);
  world.phase('before');
  const programs = [
    ...(await Promise.all([world.startBridge(), world.startBridge()])),
    await world.startWorker(),
  ];
  await world.storedMore(20);

  await rollingRestart('restart');

  const controller = await cluster.activeController();
  world.phase(`kill -9 of node ${controller}, the active controller`);
  await cluster.stop(controller, 'SIGKILL');
  await world.storedMore(10);
  expect(await cluster.activeController()).not.toBe(controller);
  await cluster.start(controller);

  await rollingRestart(`from ${KAFKA_VERSION} to ${NEWER_VERSION}`, libraries);
  world.phase(`features of ${NEWER_VERSION}`);
  const before = await cluster.tool(FEATURES, 'describe');
  await cluster.tool(FEATURES, 'upgrade', '--release-version', NEWER_VERSION.replace(/\.0$/, ''));
  const after = await cluster.tool(FEATURES, 'describe');
  expect(metadataVersion(after)).not.toBe(metadataVersion(before));
  await world.storedMore(20);
  await world.finish();
  expect(programs.filter((program) => program.exitStatus() !== undefined)).toEqual([]);
  const events = programs.flatMap((program) => program.events.map(({ event }) => event));
  // Old answers of a coordinator that has just taken over are not reported as offsets that somebody has changed.
  expect(events).not.toContain('foreign_offset');
});

function metadataVersion(features: string): string {
  const [, version] = /metadata\.version\b.*FinalizedVersionLevel:\s*(\S+)/.exec(features) ?? [];
  if (version === undefined) throw new Error(`no metadata.version in:\n${features}`);
  return version;
}
