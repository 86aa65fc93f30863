import pg from 'pg';
import { stackAddress } from '../../test/support/stack.ts';

/** Bytes on disk after VACUUM, indexes and TOAST included. */
export interface Sizes {
  /** Histories, mutable state and tasks. */
  readonly main: number;
  readonly mainIndexes: number;
  readonly visibility: number;
  readonly visibilityIndexes: number;
}

/** The two databases of a Temporal server on Postgres. */
export interface TemporalDatabase {
  vacuum(): Promise<void>;
  sizes(): Promise<Sizes>;
  /**
   * The number of workflows that are in one of the databases.
   *
   * @param namespaceId a UUID
   */
  countWorkflows(namespaceId: string): Promise<number>;
  /**
   * Adds copies of a completed workflow, as if as many had been completed before it, one every 10 ms. Temporal does not
   * delete them within ten days.
   *
   * @param runId of the workflow to copy
   */
  addCopies(runId: string, count: number): Promise<void>;
  /** The bytes of both databases on disk, with what VACUUM has not freed. */
  bytes(): Promise<number>;
  close(): Promise<void>;
}

export async function openTemporalDatabase(): Promise<TemporalDatabase> {
  const main = await open('temporal');
  const visibility = await open('temporal_visibility');
  return {
    async vacuum() {
      await main.query('VACUUM');
      await visibility.query('VACUUM');
    },
    async sizes() {
      const inMain = await sizeOf(main);
      const inVisibility = await sizeOf(visibility);
      return {
        main: inMain.total,
        mainIndexes: inMain.indexes,
        visibility: inVisibility.total,
        visibilityIndexes: inVisibility.indexes,
      };
    },
    async countWorkflows(namespaceId) {
      const executions = await count(
        main,
        'SELECT count(*) FROM executions WHERE namespace_id = $1',
        Buffer.from(namespaceId.replaceAll('-', ''), 'hex'),
      );
      const visible = await count(
        visibility,
        'SELECT count(*) FROM executions_visibility WHERE namespace_id = $1',
        namespaceId,
      );
      return Math.max(executions, visible);
    },
    async addCopies(runId, count) {
      const timer = await main.query<{ row: string }>(
        'SELECT ctid::text AS row FROM timer_tasks LIMIT 1',
      );
      for (let first = 1; first <= count; first += COPIES_AT_ONCE) {
        const last = Math.min(count, first + COPIES_AT_ONCE - 1);
        const id = Buffer.from(runId.replaceAll('-', ''), 'hex');
        for (const table of ['executions', 'current_executions']) {
          await copyRows(main, table, `run_id = $3`, [first, last, id]);
        }
        await copyRows(main, 'timer_tasks', 'ctid = $3::tid', [first, last, timer.rows[0]?.row]);
        for (const table of ['history_node', 'history_tree']) {
          await copyRows(main, table, `tree_id = $3`, [first, last, id]);
        }
        await copyRows(visibility, 'executions_visibility', 'run_id = $3', [first, last, runId]);
      }
    },
    async bytes() {
      return (await databaseSize(main)) + (await databaseSize(visibility));
    },
    async close() {
      await main.end();
      await visibility.end();
    },
  };
}

const COPIES_AT_ONCE = 10_000;

/** What a copy has instead of the values of its source, as an expression of the copy's number `n`. */
const OF_COPY: Readonly<Record<string, string>> = {
  // The number of shards is not stored, but each has a row once it has been used.
  shard_id: '1 + n % (SELECT max(shard_id) FROM shards)',
  workflow_id: "'copy:' || md5('workflow' || n)",
  run_id: "decode(md5('run' || n), 'hex')",
  tree_id: "decode(md5('run' || n), 'hex')",
  branch_id: "decode(md5('branch' || n), 'hex')",
  task_id: '-n',
  visibility_timestamp: "now() + interval '10 days' + n * interval '10 milliseconds'",
};
const OF_VISIBLE_COPY: Readonly<Record<string, string>> = {
  ...OF_COPY,
  run_id: "md5('run' || n)::uuid::text",
  ...Object.fromEntries(
    ['start_time', 'execution_time', 'close_time'].map((column) => [
      column,
      `source.${column} - interval '1 day' + n * interval '10 milliseconds'`,
    ]),
  ),
};

/** @param values first and last number of the copies, and $3 of the condition for the rows to copy */
async function copyRows(
  client: pg.Client,
  table: string,
  condition: string,
  values: readonly unknown[],
): Promise<void> {
  const { rows } = await client.query<{ column_name: string }>(
    "SELECT column_name FROM information_schema.columns WHERE table_name = $1 AND is_generated = 'NEVER'",
    [table],
  );
  const changes = table === 'executions_visibility' ? OF_VISIBLE_COPY : OF_COPY;
  const columns = rows.map(({ column_name: column }) => column);
  const copied = columns.map((column) => changes[column] ?? `source.${column}`);
  await client.query(
    `INSERT INTO ${table} (${columns.join()}) SELECT ${copied.join()}
     FROM (SELECT * FROM ${table} WHERE ${condition}) source, generate_series($1::int, $2::int) n`,
    [...values],
  );
}

async function open(database: string): Promise<pg.Client> {
  const { href } = Object.assign(new URL(stackAddress('DATABASE_URL')), { pathname: database });
  const client = new pg.Client({ connectionString: href });
  await client.connect();
  return client;
}

async function sizeOf(client: pg.Client): Promise<{ total: number; indexes: number }> {
  const { rows } = await client.query<{ total: string; indexes: string }>(
    `SELECT sum(pg_total_relation_size(relid)) AS total, sum(pg_indexes_size(relid)) AS indexes
     FROM pg_stat_user_tables`,
  );
  return { total: Number(rows[0]?.total), indexes: Number(rows[0]?.indexes) };
}

async function count(client: pg.Client, sql: string, id: unknown): Promise<number> {
  const { rows } = await client.query<{ count: string }>(sql, [id]);
  return Number(rows[0]?.count);
}

async function databaseSize(client: pg.Client): Promise<number> {
  const { rows } = await client.query<{ bytes: string }>(
    'SELECT pg_database_size(current_database()) AS bytes',
  );
  return Number(rows[0]?.bytes);
}
