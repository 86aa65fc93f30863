import { setUpAll, setUpEach } from '../support/set-up.ts';
import { buildWithOtherBridge, CURRENT, FROM, type Build } from './harness/builds.ts';
import { expectUnharmed } from './harness/expect-unharmed.ts';
import { RUN, TIMEOUT_MS } from './harness/options.ts';
import { createVersionsWorld, type VersionsWorld } from './harness/versions-world.ts';

let other: Build;
let world: VersionsWorld;
setUpAll((onUndo) => {
  other = buildWithOtherBridge();
  onUndo(() => {
    other.remove();
  });
  return Promise.resolve();
});
setUpEach(async (onUndo) => {
  world = await createVersionsWorld();
  onUndo(() => world.close());
});

/**
 * Each step starts a bridge and ends another, so that partitions move between the versions. One ends by
 * SIGKILL: what it had started but not committed is delivered again, to a bridge of the other version.
 */
async function upgradeBridges(from: Build, to: Build): Promise<void> {
  await world.startWorker(CURRENT);
  const first = await world.startBridge(from);
  const second = await world.startBridge(from);
  await world.underLoad([
    () => world.startBridge(to),
    () => first.end('SIGKILL'),
    () => world.startBridge(to),
    () => second.end('SIGTERM'),
  ]);
  await expectUnharmed(world);
}

test(
  `bridges of two versions in one group lose no order and take none for a conflict: ${RUN}`,
  () => upgradeBridges(FROM, CURRENT),
  TIMEOUT_MS,
);

test(
  `neither do they if the versions write request IDs, fingerprints and member metadata differently: ${RUN}`,
  () => upgradeBridges(CURRENT, other),
  TIMEOUT_MS,
);
