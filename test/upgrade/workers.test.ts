import { eventually } from '../support/eventually.ts';
import { setUpAll, setUpEach } from '../support/set-up.ts';
import { buildWithWorkflow, CURRENT, FROM, type Build } from './harness/builds.ts';
import { expectUnharmed, readHistories } from './harness/expect-unharmed.ts';
import { RUN, TIMEOUT_MS } from './harness/options.ts';
import { createVersionsWorld, type VersionsWorld } from './harness/versions-world.ts';

/**
 * Two releases that differ in the workflow's code, as docs/upgrades/workflow-code.md describes: `prepared`
 * understands the new path, `patched` takes it.
 */
let prepared: Build;
let patched: Build;
let world: VersionsWorld;
setUpAll(async (onUndo) => {
  prepared = await buildWithWorkflow('prepared');
  onUndo(() => {
    prepared.remove();
  });
  patched = await buildWithWorkflow('patched');
  onUndo(() => {
    patched.remove();
  });
});
setUpEach(async (onUndo) => {
  world = await createVersionsWorld();
  onUndo(() => world.close());
});

/** How many orders are being retried when the routing changes. */
const RETRYING = 3;

async function duringOutage(change: () => Promise<unknown>): Promise<void> {
  await world.postgres.cut();
  await world.retrying(RETRYING);
  await change();
  await world.postgres.restore();
}

test(
  `a ramp, its rollback, a promotion, its rollback and a promotion break no order: ${RUN}`,
  async () => {
    const deploy = (...args: string[]) => world.deploy(...args);
    const first = await world.startWorker(prepared, '1');
    await deploy('promote', '--build-id', '1');
    await world.startBridge(CURRENT);
    await world.startWorker(patched, '2');
    await world.underLoad([
      () => deploy('promote', '--build-id', '2', '--percentage', '10'),
      () => deploy('rollback'),
      () => duringOutage(() => deploy('promote', '--build-id', '2')),
      () => duringOutage(() => deploy('rollback')),
      () => duringOutage(() => deploy('promote', '--build-id', '2', '--wait')),
      () => first.end('SIGTERM'),
    ]);
    const { patched: newPath, moved, count } = await expectUnharmed(world);
    expect(newPath).toBeGreaterThan(0);
    expect(newPath).toBeLessThan(count);
    expect(moved).toBeGreaterThanOrEqual(RETRYING);
  },
  TIMEOUT_MS,
);

test(
  `a rolling restart of workers without versioning breaks no order: ${RUN}`,
  async () => {
    const replace = async (
      running: readonly { end(signal: 'SIGTERM'): Promise<unknown> }[],
      build: Build,
    ) => {
      const replacements = [];
      for (const worker of running) {
        replacements.push(await world.startWorker(build));
        await worker.end('SIGTERM');
      }
      return replacements;
    };
    await world.startBridge(CURRENT);
    let workers = [await world.startWorker(FROM), await world.startWorker(FROM)];
    const upgradeTo = (build: Build) => async () => {
      workers = await replace(workers, build);
    };
    await world.underLoad([
      upgradeTo(CURRENT),
      upgradeTo(prepared),
      // Workers of both builds take turns with orders that are being retried.
      async () => {
        await world.postgres.cut();
        await world.retrying(RETRYING);
        await world.postgres.restore();
      },
      upgradeTo(patched),
    ]);
    expect((await expectUnharmed(world)).patched).toBeGreaterThan(0);
  },
  TIMEOUT_MS,
);

test(
  'a rollback to a build that does not know the patch stops the orders of the new path, and loses none',
  async () => {
    const { load } = world;
    const deploy = (...args: string[]) => world.deploy(...args);
    await world.startWorker(CURRENT, '1');
    await world.startWorker(patched, '2');
    await deploy('promote', '--build-id', '1');
    await deploy('promote', '--build-id', '2');
    await world.startBridge(CURRENT);
    await world.postgres.cut();
    await load.sendOnly('good', 3);
    await world.retrying(3);
    await deploy('rollback');
    await world.postgres.restore();
    await eventually(async () => {
      expect((await readHistories(world)).failedTasks).toEqual(
        expect.arrayContaining([expect.stringContaining('NON_DETERMINISTIC')]),
      );
    });
    await deploy('promote', '--build-id', '2');
    await eventually(async () => {
      expect(await world.system.storedOrderIds()).toHaveLength(3);
    });
  },
  TIMEOUT_MS,
);
