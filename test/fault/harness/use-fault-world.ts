import { jest } from '@jest/globals';
import { startFaultServers, type FaultServers } from './servers.ts';
import { createFaultWorld, temporalKindOfRun, type FaultWorld } from './world.ts';

/** Servers for all tests of a file, and a world of its own on them for each; answers with the latest. */
export function useFaultWorld(): () => FaultWorld {
  // A busy machine may need long for what is left; the verdict fails when it gets no less.
  jest.setTimeout(900_000);
  let servers: FaultServers | undefined;
  let world: FaultWorld | undefined;
  const current = () => {
    if (!world) throw new Error('there is no world before the test');
    return world;
  };
  beforeAll(async () => {
    servers = await startFaultServers(temporalKindOfRun());
  }, 180_000);
  afterAll(() => servers?.remove());
  beforeEach(async () => {
    world = undefined;
    if (!servers) throw new Error('there are no servers');
    world = await createFaultWorld(servers);
  });
  afterEach(async () => {
    if (!world) return;
    for (const link of Object.values(world.servers.links)) await link.restore();
    await world.close();
  });
  return current;
}
