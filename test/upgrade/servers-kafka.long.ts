import { jest } from '@jest/globals';
import { KAFKA_VERSION } from '../../dev/stack/kafka.ts';
import {
  kafkaLibraries,
  startBrokerCluster,
  type BrokerCluster,
} from './harness/broker-cluster.ts';
import { createUpgradeWorld, type UpgradeWorld } from './harness/upgrade-world.ts';

/** Restarts and upgrades the brokers of a cluster, one at a time, while orders flow. */
jest.setTimeout(1_800_000);

const NEWER_VERSION = '4.4.0';
const FEATURES = 'org.apache.kafka.tools.FeatureCommand';

let cluster: BrokerCluster;
let world: UpgradeWorld;
beforeEach(async () => {
  cluster = await startBrokerCluster();
  world = await createUpgradeWorld({ kafka: cluster.brokers });
});
afterEach(async () => {
  await world.close();
  await cluster.remove();
});

test(`no order is lost while brokers are restarted, killed and upgraded from ${KAFKA_VERSION} to ${NEWER_VERSION}`, async () => {
  const libraries = await kafkaLibraries(NEWER_VERSION);
  world.phase('before');
  const programs = [
    ...(await Promise.all([world.startBridge(), world.startBridge()])),
    await world.startWorker(),
  ];
  await world.storedMore(20);

  for (const id of cluster.ids) {
    const role = id === (await cluster.activeController()) ? ', the active controller' : '';
    world.phase(`restart of node ${id}${role}`);
    await cluster.stop(id, 'SIGTERM');
    await world.storedMore(10);
    await cluster.start(id);
  }

  const controller = await cluster.activeController();
  world.phase(`kill -9 of node ${controller}, the active controller`);
  await cluster.stop(controller, 'SIGKILL');
  await world.storedMore(10);
  expect(await cluster.activeController()).not.toBe(controller);
  await cluster.start(controller);

  for (const id of cluster.ids) {
    world.phase(`node ${id} from ${KAFKA_VERSION} to ${NEWER_VERSION}`);
    await cluster.stop(id, 'SIGTERM');
    await world.storedMore(10);
    await cluster.start(id, libraries);
  }
  world.phase(`features of ${NEWER_VERSION}`);
  const before = await cluster.tool(FEATURES, 'describe');
  await cluster.tool(FEATURES, 'upgrade', '--release-version', NEWER_VERSION.replace(/\.0$/, ''));
  const after = await cluster.tool(FEATURES, 'describe');
  expect(metadataVersion(after)).not.toBe(metadataVersion(before));
  await world.storedMore(20);
  await world.finish();
  expect(programs.filter((program) => program.exitStatus() !== undefined)).toEqual([]);
});

const metadataVersion = (features: string): string =>
  /metadata\.version\b.*FinalizedVersionLevel:\s*(\S+)/.exec(features)?.[1] ?? features;
