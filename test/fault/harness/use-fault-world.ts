import { jest } from '@jest/globals';
import { SERVER_START_TIMEOUT_MS } from '../../support/temporal-on-postgres.ts';
import { startFaultServers, type FaultServers } from './servers.ts';
import { createFaultWorld, temporalKindOfRun, type FaultWorld } from './world.ts';

/** Starts servers for the tests of a file, and a world on them for each test. Returns a getter for the world. */
export function useFaultWorld(): () => FaultWorld {
  // A busy machine may take long. `expectNothingLost` fails earlier if there is no progress.
  jest.setTimeout(900_000);
  let servers: FaultServers | undefined;
  let world: FaultWorld | undefined;
  const current = () => {
    if (!world) throw new Error('the world exists only during a test');
    return world;
  };
  beforeAll(async () => {
    servers = await startFaultServers(temporalKindOfRun());
  }, SERVER_START_TIMEOUT_MS);
  afterAll(() => servers?.remove());
  beforeEach(async () => {
    world = undefined;
    if (!servers) throw new Error('the servers have not started');
    world = await createFaultWorld(servers);
  });
  afterEach(async () => {
    if (!world) return;
    for (const link of Object.values(world.servers.links)) await link.restore();
    await world.close();
  });
  return current;
}
