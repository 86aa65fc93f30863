import { Client, Connection } from '@temporalio/client';
import { defineSearchAttributeKey, TypedSearchAttributes } from '@temporalio/common';
import proto from '@temporalio/proto';
import pg from 'pg';
import { prepareDatabase, VISIBILITY } from '../../dev/stack/temporal-on-postgres.ts';
import { DEFAULT_SERVER_VERSION } from '../../dev/stack/temporal-server.ts';
import type { TuningPlan } from '../../src/operate/temporal/plan-tuning.ts';
import type { VisibilityTable } from '../../src/operate/temporal/visibility-indexes.ts';
import { createTestDatabase } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import { runCli } from '../support/programs.ts';
import { setUpAll } from '../support/set-up.ts';
import { uniqueName } from '../support/stack.ts';
import {
  startTemporalAsInstalled,
  type TemporalAsInstalled,
} from '../support/temporal-as-installed.ts';
import { SERVER_START_TIMEOUT_MS } from '../support/temporal-on-postgres.ts';

let server: TemporalAsInstalled;
setUpAll(async (onUndo) => {
  server = await startTemporalAsInstalled(onUndo);
}, SERVER_START_TIMEOUT_MS);

const envFor = (url: string) => ({ TEMPORAL_VISIBILITY_DATABASE_URL: url });

async function tune(url: string): Promise<TuningPlan & VisibilityTable> {
  const { exitCode, stdout, stderr } = await runCli(['temporal', 'tune', '--json'], envFor(url));
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  return JSON.parse(stdout) as TuningPlan & VisibilityTable;
}

async function withDatabase<Result>(
  url: string,
  work: (client: pg.Client) => Promise<Result>,
): Promise<Result> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

const run = (url: string, statements: readonly string[]) =>
  withDatabase(url, async (client) => {
    for (const statement of statements) await client.query(statement);
  });

const indexesOf = ({ indexes }: VisibilityTable, which: (name: string) => boolean) =>
  indexes.filter(({ name }) => which(name));

/** Custom search attributes with b-tree and GIN indexes, and a filter on each. */
const ATTRIBUTES = [
  ['TuneKeyword', 'KEYWORD', "= 'red'"],
  ['TuneInt', 'INT', '= 7'],
  ['TuneText', 'TEXT', "= 'words'"],
  ['TuneList', 'KEYWORD_LIST', "IN ('b', 'c')"],
  ['TuneBool', 'BOOL', '= false'],
  ['TuneOtherBool', 'BOOL', '= true'],
] as const;
const VALUES = new TypedSearchAttributes([
  { key: defineSearchAttributeKey('TuneKeyword', 'KEYWORD'), value: 'red' },
  { key: defineSearchAttributeKey('TuneInt', 'INT'), value: 7 },
  { key: defineSearchAttributeKey('TuneText', 'TEXT'), value: 'some words' },
  { key: defineSearchAttributeKey('TuneList', 'KEYWORD_LIST'), value: ['a', 'b'] },
  { key: defineSearchAttributeKey('TuneBool', 'BOOL'), value: false },
  { key: defineSearchAttributeKey('TuneOtherBool', 'BOOL'), value: true },
]);
const NO_WORKER = 'no-worker';

async function connectWithAttributes(): Promise<Client> {
  const connection = await Connection.connect({ address: server.address });
  await connection.operatorService.addSearchAttributes({
    namespace: 'default',
    searchAttributes: Object.fromEntries(
      ATTRIBUTES.map(([name, type]) => [
        name,
        proto.temporal.api.enums.v1.IndexedValueType[`INDEXED_VALUE_TYPE_${type}`],
      ]),
    ),
  });
  return new Client({ connection, namespace: 'default' });
}

/** Starts a workflow that no worker runs. */
const start = (client: Client, workflowId: string, withValues = false) =>
  client.workflow.start('tuned', {
    workflowId,
    taskQueue: NO_WORKER,
    args: [],
    ...(withValues ? { typedSearchAttributes: VALUES } : {}),
  });

async function found(client: Client, query: string): Promise<readonly string[]> {
  const ids: string[] = [];
  for await (const { workflowId } of client.workflow.list({ query })) ids.push(workflowId);
  return ids.sort();
}

test('the SQL runs while workflows start; Temporal then finds them with the partial indexes', async () => {
  const url = server.databaseUrl(VISIBILITY.name);
  const client = await connectWithAttributes();
  try {
    await eventually(() => start(client, 'with-values', true));
    for (let n = 0; n < 9; n += 1) await start(client, `without-${n}`);
    const before = await eventually(async () => {
      const table = await tune(url);
      expect(table.rows).toBeGreaterThanOrEqual(10);
      return table;
    });
    const env = { ...envFor(url), TEMPORAL_ADDRESS: server.address };
    expect((await runCli(['doctor'], env)).stdout).toMatch(
      /! Temporal: visibility: each workflow writes 148 index entries/,
    );
    const tuning = new AbortController();
    const startUntilTuned = async () => {
      let count = 0;
      for (; !tuning.signal.aborted; count += 1) await start(client, `meanwhile-${count}`);
      return count;
    };
    const starting = startUntilTuned();
    await run(url, before.statements).finally(() => {
      tuning.abort();
    });
    const started = await starting;
    expect(started).toBeGreaterThan(0);

    const after = await tune(url);
    expect(after).toMatchObject({ recommended: [], leftovers: [], statements: [] });
    const isRecommended = new Set(before.recommended.map(({ name }) => name));
    for (const { name, isPartial, isValid } of after.indexes) {
      expect([name, isPartial, isValid]).toEqual([name, isRecommended.has(name), true]);
    }
    expect(after.indexes.map(({ name }) => name)).toEqual(before.indexes.map(({ name }) => name));
    expect((await runCli(['doctor'], env)).stdout).toContain('nothing to recommend');

    await eventually(async () => {
      const { count } = await client.workflow.count(`TaskQueue = '${NO_WORKER}'`);
      expect(count).toBe(10 + started);
    });
    await start(client, 'with-values-2', true);
    // With more rows, so that Postgres does not prefer to read the whole table.
    await withDatabase(url, async (database) => {
      await database.query(
        `INSERT INTO executions_visibility (namespace_id, run_id, start_time, execution_time, workflow_id,
           workflow_type_name, status, close_time, encoding, search_attributes)
         SELECT (SELECT namespace_id FROM executions_visibility WHERE workflow_id = 'with-values'),
           gen_random_uuid(), now(), now(), 'other-' || n, 'other', 2, now(), '', '{}'
         FROM generate_series(1, 20000) AS n`,
      );
      await database.query('VACUUM ANALYZE executions_visibility');
    });
    for (const [name, , filter] of ATTRIBUTES) {
      await eventually(async () => {
        expect([name, await found(client, `${name} ${filter}`)]).toEqual([
          name,
          ['with-values', 'with-values-2'],
        ]);
      });
    }
    expect(await found(client, `TuneKeyword IS NULL AND WorkflowId = 'without-1'`)).toEqual([
      'without-1',
    ]);
    const used = indexesOf(await tune(url), (name) => isRecommended.has(name))
      .filter(({ attribute }) => (attribute?.share ?? 0) > 0)
      .map(({ name }) => name);
    const custom = used.filter((name) => /^by_(keyword|int|text|bool)_/.test(name));
    expect(custom).toHaveLength(ATTRIBUTES.length);
    await withDatabase(url, (database) =>
      eventually(async () => {
        const { rows } = await database.query<{ name: string }>(
          'SELECT indexrelname AS name FROM pg_stat_user_indexes WHERE idx_scan > 0 AND indexrelname = ANY ($1)',
          [custom],
        );
        expect(rows.map(({ name }) => name).sort()).toEqual(custom);
      }),
    );
  } finally {
    await client.connection.close();
  }
});

test('an interrupted run can be completed, and a completed one repeated', async () => {
  const store = { ...VISIBILITY, name: uniqueName('visibility').replaceAll('-', '_') };
  await prepareDatabase(DEFAULT_SERVER_VERSION, server.databaseUrl('postgres'), store);
  const url = server.databaseUrl(store.name);
  const first = await tune(url);
  await run(url, first.statements.slice(0, 2));
  const second = await tune(url);
  expect(second.leftovers).toEqual([`${first.recommended[0]?.name ?? ''}_partial`]);
  await run(url, second.statements);
  expect(await tune(url)).toMatchObject({ recommended: [], leftovers: [], statements: [] });
  await run(url, first.statements);
  expect(await tune(url)).toMatchObject({ recommended: [], leftovers: [], statements: [] });
});

test('an index that was not built completely does not replace the present one', async () => {
  const store = { ...VISIBILITY, name: uniqueName('visibility').replaceAll('-', '_') };
  await prepareDatabase(DEFAULT_SERVER_VERSION, server.databaseUrl('postgres'), store);
  const url = server.databaseUrl(store.name);
  const { statements, recommended } = await tune(url);
  const name = recommended[0]?.name ?? '';
  await run(url, statements.slice(0, 2));
  await withDatabase(url, (client) =>
    client.query('UPDATE pg_index SET indisvalid = false WHERE indexrelid = to_regclass($1)', [
      `${name}_partial`,
    ]),
  );
  await expect(run(url, statements.slice(2, 3))).rejects.toThrow('was not built completely');
  const [index] = indexesOf(await tune(url), (candidate) => candidate === name);
  expect(index).toMatchObject({ isPartial: false, isValid: true });
});

test('an update of the schema succeeds with partial indexes and keeps them', async () => {
  const store = { ...VISIBILITY, name: uniqueName('visibility').replaceAll('-', '_') };
  // That of Temporal 1.29.
  await prepareDatabase(DEFAULT_SERVER_VERSION, server.databaseUrl('postgres'), store, '1.9');
  const url = server.databaseUrl(store.name);
  const before = await tune(url);
  expect(before.version).toBe('1.9');
  await run(url, before.statements);
  await prepareDatabase(DEFAULT_SERVER_VERSION, server.databaseUrl('postgres'), store);
  const after = await tune(url);
  expect(after.version).not.toBe('1.9');
  const old = new Set(before.recommended.map(({ name }) => name));
  expect(indexesOf(after, (name) => old.has(name)).every(({ isPartial }) => isPartial)).toBe(true);
  const added = after.recommended.map(({ name }) => name);
  expect(added.length).toBeGreaterThan(0);
  expect(added.filter((name) => before.indexes.some((index) => index.name === name))).toEqual([]);
});

test.each([
  [
    'the main database of Temporal',
    () => server.databaseUrl('temporal'),
    'TEMPORAL_VISIBILITY_MISSING',
  ],
  [
    'a database without tables',
    () => server.databaseUrl('postgres'),
    'TEMPORAL_VISIBILITY_MISSING',
  ],
  ['a database that does not exist', () => server.databaseUrl('nowhere'), 'DATABASE_NOT_FOUND'],
  ['MySQL', () => 'mysql://user@127.0.0.1/visibility', 'SETTINGS_INVALID'],
  ['Elasticsearch', () => 'http://127.0.0.1:9200', 'SETTINGS_INVALID'],
  ['nothing', () => '', 'SETTINGS_INVALID'],
])('refuses %s', async (_, url, code) => {
  const { exitCode, stdout, stderr } = await runCli(['temporal', 'tune'], envFor(url()));
  expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
  expect(stderr).toContain(`order-ingest: ${code}: `);
  expect(stderr).toContain('TEMPORAL_VISIBILITY_DATABASE_URL');
});

test('refuses the database of the orders', async () => {
  const database = await createTestDatabase();
  try {
    const { exitCode, stderr } = await runCli(['temporal', 'tune'], envFor(database.url));
    expect(exitCode).toBe(1);
    expect(stderr).toContain('TEMPORAL_VISIBILITY_MISSING');
    expect(stderr).toContain('it is the database of the orders');
  } finally {
    await database.drop();
  }
});
