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
    async bytes() {
      return (await databaseSize(main)) + (await databaseSize(visibility));
    },
    async close() {
      await main.end();
      await visibility.end();
    },
  };
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
