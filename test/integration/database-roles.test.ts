import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import pg from 'pg';
import { migrate } from '../../src/postgres/migrate.ts';
import {
  checkPrivileges,
  missingPrivileges,
  READER_PRIVILEGES,
  WORKER_PRIVILEGES,
} from '../../src/postgres/privileges.ts';
import type { Schema } from '../../src/postgres/schema.ts';
import { createOwnDatabase } from '../support/database.ts';
import { setUpEach } from '../support/set-up.ts';
import { uniqueName } from '../support/stack.ts';

/** `setup` by an owner, who is no super user and grants two roles what they need on tables of its own. */
let url: string;
let schema: Schema & { readonly tables: Record<string, readonly string[]> };
let admin: pg.Client;
let owner: string;
let worker: string;
let reader: string;
setUpEach(async (onUndo) => {
  const database = await createOwnDatabase();
  onUndo(() => database.drop());
  admin = new pg.Client({ connectionString: database.url });
  await admin.connect();
  onUndo(() => admin.end());
  const dir = mkdtempSync(path.join(tmpdir(), 'migrations-'));
  onUndo(() => {
    rmSync(dir, { recursive: true });
  });
  // A serial column needs a privilege on its sequence, an identity column does not.
  writeFileSync(
    path.join(dir, '0001_parcels.sql'),
    '-- Up Migration\nCREATE TABLE parcels (parcel_id text PRIMARY KEY, number serial, other int GENERATED ALWAYS AS IDENTITY);',
  );
  schema = {
    migrationsDir: dir,
    migrationsTable: 'parcel_migrations',
    tables: { parcels: ['parcel_id', 'number', 'other'] },
  };
  const suffix = uniqueName('').replaceAll('-', '_');
  [owner, worker, reader] = [`owner${suffix}`, `worker${suffix}`, `Reader ${suffix}`];
  for (const role of [owner, worker, reader]) {
    await admin.query(`CREATE ROLE "${role}" LOGIN PASSWORD 'secret'`);
    onUndo(() => admin.query(`DROP OWNED BY "${role}" CASCADE; DROP ROLE "${role}"`));
  }
  await admin.query(`CREATE SCHEMA shop AUTHORIZATION ${owner}`);
  url = `${database.url}?options=-csearch_path%3Dshop`;
});

function urlOf(role: string): string {
  const ofRole = new URL(url);
  ofRole.username = encodeURIComponent(role);
  ofRole.password = 'secret';
  return ofRole.href;
}

const setUp = (roles = { worker, reader }) => migrate(schema, urlOf(owner), 5000, { roles });

async function as<Result>(role: string, work: (client: pg.Client) => Promise<Result>) {
  const client = new pg.Client({ connectionString: urlOf(role) });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

test('roles get what they need and nothing else, once', async () => {
  const quoted = `"${reader}"`;
  expect((await setUp()).granted).toEqual([
    `GRANT USAGE ON SCHEMA shop TO ${worker}`,
    `GRANT SELECT, INSERT ON parcels TO ${worker}`,
    `GRANT SELECT ON parcel_migrations TO ${worker}`,
    `GRANT USAGE ON SEQUENCE parcels_number_seq TO ${worker}`,
    `GRANT USAGE ON SCHEMA shop TO ${quoted}`,
    `GRANT SELECT ON parcels TO ${quoted}`,
    `GRANT SELECT ON parcel_migrations TO ${quoted}`,
  ]);
  expect((await setUp()).granted).toEqual([]);
  const insert = "INSERT INTO parcels (parcel_id) VALUES ('A-1')";
  await as(worker, async (client) => {
    await client.query(insert);
    for (const statement of ['DELETE FROM parcels', "UPDATE parcels SET parcel_id = 'A-2'"]) {
      await expect(client.query(statement)).rejects.toMatchObject({ code: '42501' });
    }
  });
  await as(reader, async (client) => {
    expect((await client.query('SELECT FROM parcels')).rowCount).toBe(1);
    await expect(client.query(insert)).rejects.toMatchObject({ code: '42501' });
  });
});

test('a table of a later migration is granted too', async () => {
  await setUp();
  const file = path.join(schema.migrationsDir, '0002_labels.sql');
  writeFileSync(file, '-- Up Migration\nCREATE TABLE labels (label_id text PRIMARY KEY);');
  schema.tables['labels'] = ['label_id'];
  expect((await setUp()).granted).toEqual([
    `GRANT SELECT, INSERT ON labels TO ${worker}`,
    `GRANT SELECT ON labels TO "${reader}"`,
  ]);
});

test('concurrent calls grant without an error', async () => {
  await setUp({ worker, reader: worker });
  await admin.query(`REVOKE ALL ON ALL TABLES IN SCHEMA shop FROM ${worker}`);
  const calls = await Promise.all(Array.from({ length: 4 }, () => setUp()));
  const forWorker = calls.flatMap(({ granted }) => granted).filter((sql) => sql.includes(worker));
  expect(forWorker).toHaveLength(2);
});

test('each privilege that is missing is named, with the role that may grant it', async () => {
  await setUp();
  const database = (await admin.query<{ name: string }>('SELECT current_database() AS name'))
    .rows[0]?.name;
  await admin.query(`REVOKE CONNECT ON DATABASE ${database} FROM PUBLIC`);
  await admin.query(`GRANT CONNECT ON DATABASE ${database} TO ${worker}`);
  const worked = { role: worker, privileges: WORKER_PRIVILEGES, complete: true };
  await admin.query('SET search_path = shop');
  expect(await missingPrivileges(admin, schema, worked)).toEqual([]);
  for (const [privilege, object] of [
    ['CONNECT', `DATABASE ${database}`],
    ['USAGE', 'SCHEMA shop'],
    ['SELECT', 'parcels'],
    ['INSERT', 'parcels'],
    ['SELECT', 'parcel_migrations'],
    ['USAGE', 'SEQUENCE parcels_number_seq'],
  ]) {
    await admin.query(`REVOKE ${privilege} ON ${object} FROM ${worker}`);
    const holder = object?.startsWith('DATABASE') ? 'order_ingest' : owner;
    await expect(checkPrivileges(admin, schema, worked)).rejects.toMatchObject({
      code: 'DATABASE_RIGHT_MISSING',
      fix: `run as "${holder}": GRANT ${privilege} ON ${object} TO ${worker}`,
    });
    await admin.query(`GRANT ${privilege} ON ${object} TO ${worker}`);
  }
  const reads = { role: reader, privileges: READER_PRIVILEGES, complete: true };
  await admin.query(`REVOKE SELECT ON parcels FROM "${reader}"`);
  await expect(checkPrivileges(admin, schema, reads)).rejects.toMatchObject({
    message: expect.stringContaining('SELECT on parcels'),
  });
});

test('a role that does not exist is named with its setting, and what was migrated stays', async () => {
  await expect(setUp({ worker: 'nobody_here', reader })).rejects.toMatchObject({
    code: 'DATABASE_ROLE_MISSING',
    message: expect.stringContaining('DATABASE_WORKER_ROLE'),
    fix: expect.stringContaining('CREATE ROLE nobody_here'),
  });
  expect((await setUp()).ran).toEqual([]);
});

test('what the owner of the tables may not grant is named with the role that may', async () => {
  await setUp();
  await admin.query(`ALTER SCHEMA shop OWNER TO order_ingest`);
  await admin.query(`GRANT USAGE ON SCHEMA shop TO ${owner}`);
  await admin.query(`REVOKE USAGE ON SCHEMA shop FROM ${worker}`);
  await expect(setUp()).rejects.toMatchObject({
    code: 'DATABASE_RIGHT_MISSING',
    fix: `run as "order_ingest": GRANT USAGE ON SCHEMA shop TO ${worker}`,
  });
});
