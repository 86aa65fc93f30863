import { jest } from '@jest/globals';
import { eventually } from '../support/eventually.ts';
import { runCli, startCli } from '../support/programs.ts';
import { setUpAll, setUpEach } from '../support/set-up.ts';
import { createBuild, type Build } from './harness/builds.ts';
import { RUN } from './harness/options.ts';
import { createUpgradeWorld, type UpgradeWorld } from './harness/upgrade-world.ts';

/** Changes the tables while workers of two versions store orders. */
jest.setTimeout(900_000);

/** Version 1000.1 stores who has stored an order; 1000.2 requires it. */
const STORES_COLUMN = [
  {
    file: 'order/tables.js',
    from: "total_price: { type: 'numeric'",
    to: "stored_by: { type: 'text', value: () => 'new' }, total_price: { type: 'numeric'",
  },
];
const EXPAND = { '0003_stored_by': 'ALTER TABLE orders ADD COLUMN stored_by text;' };
const CONTRACT = {
  '0004_stored_by_required':
    '-- Oldest version: 1000.1.0\nALTER TABLE orders ALTER COLUMN stored_by SET NOT NULL;',
};
const BY_OLD = 'stored_by IS NULL';
const BY_NEW = "stored_by = 'new'";

let world: UpgradeWorld;
let added: Build;
let required: Build;
setUpAll((onUndo) => {
  added = createBuild({ version: '1000.1.0', changes: STORES_COLUMN, migrations: EXPAND });
  onUndo(() => {
    added.remove();
  });
  required = createBuild({
    version: '1000.2.0',
    changes: STORES_COLUMN,
    migrations: { ...EXPAND, ...CONTRACT },
  });
  onUndo(() => {
    required.remove();
  });
  return Promise.resolve();
});
setUpEach(async (onUndo) => {
  world = await createUpgradeWorld();
  onUndo(() => world.close());
});

const setupArguments = (...args: string[]) =>
  [['setup', '--only', 'database', ...args], { DATABASE_URL: world.system.database.url }] as const;

const setup = (build?: Build, ...args: string[]) =>
  runCli(...setupArguments(...args), undefined, build?.main);

const startWorker = (build?: Build) => world.startWorker({}, build?.main);
const sql = (text: string) => world.system.database.pool.query(text);

test(`a column is added, filled and required while workers of two versions store orders: ${RUN}`, async () => {
  world.phase('old workers');
  await world.startBridge();
  let old = await Promise.all([startWorker(), startWorker()]);
  await world.storedMore(10);
  // The wrong order: the new worker refuses to start, and the old ones are not disturbed.
  await expect(startWorker(added)).rejects.toThrow('DATABASE_SCHEMA_OUTDATED');

  world.phase('expand');
  expect(await setup(added)).toMatchObject({
    exitCode: 0,
    stdout: expect.stringContaining('created 0003_stored_by'),
  });
  await world.storedMore(10, BY_OLD);
  world.phase('old workers restart');
  expect(await old[0].end('SIGKILL')).toBe('SIGKILL');
  expect(await old[1].end('SIGTERM')).toBe(0);
  old = await Promise.all([startWorker(), startWorker()]);
  await world.storedMore(10, BY_OLD);
  // As when an older chart is rolled back to.
  expect(await setup()).toMatchObject({
    exitCode: 0,
    stdout: expect.stringContaining('up to date'),
  });

  world.phase('both versions');
  const latest = await startWorker(added);
  await Promise.all([world.storedMore(10, BY_NEW), world.storedMore(10, BY_OLD)]);
  world.phase('rollback');
  expect(await latest.end('SIGTERM')).toBe(0);
  await world.storedMore(10, BY_OLD);
  world.phase('both versions again');
  await startWorker(added);
  await world.storedMore(10, BY_NEW);

  // The contract too early: `setup` does not run it unasked, and refuses it while an old worker is connected.
  expect(await setup(required)).toMatchObject({
    exitCode: 0,
    stdout: expect.stringContaining('--contract'),
  });
  expect(await setup(required, '--contract')).toMatchObject({
    exitCode: 1,
    stderr: expect.stringContaining('DATABASE_OLD_VERSION_CONNECTED'),
  });
  world.phase('contract too early, by hand');
  await sql(`BEGIN; LOCK TABLE orders IN ACCESS EXCLUSIVE MODE;
    UPDATE orders SET stored_by = 'old' WHERE stored_by IS NULL;
    ALTER TABLE orders ALTER COLUMN stored_by SET NOT NULL; COMMIT`);
  // The old workers cannot store an order any more. Each is retried until the new one has it.
  await world.storedMore(10, BY_NEW);
  await expect(startWorker()).rejects.toThrow('DATABASE_SCHEMA_TOO_NEW');

  world.phase('contract');
  for (const worker of old) expect(await worker.end('SIGTERM')).toBe(0);
  await eventually(async () => {
    expect(await setup(required, '--contract')).toMatchObject({ exitCode: 0 });
  });
  await world.storedMore(10, BY_NEW);
  await world.finish();
});

test(`a migration that waits for a lock lets orders through: ${RUN}`, async () => {
  world.phase('before');
  await world.startBridge();
  await startWorker();
  await world.storedMore(10);
  world.phase('a long transaction holds the table');
  const holder = await world.system.database.pool.connect();
  await holder.query('BEGIN; SELECT count(*) FROM orders');
  const expanding = startCli(...setupArguments(), undefined, added.main);
  await expanding.printed('waiting: 0003_stored_by');
  // Without a lock timeout, no order would be stored until the transaction ends.
  await world.storedMore(20);
  await holder.query('COMMIT');
  holder.release();
  expect(await expanding.result).toMatchObject({ exitCode: 0 });
  world.phase('migrated');
  await world.storedMore(10);
  await world.finish();
});
