import type { Pool } from 'pg';
import { quoteName } from '../../postgres/privileges.ts';

type Queryable = Pick<Pool, 'query'>;

/** An index of the table in which Temporal keeps what `list` finds. */
export interface VisibilityIndex {
  readonly name: string;
  /** The statement that created it. */
  readonly definition: string;
  /** The tablespace, which the definition lacks; undefined for that of the database. */
  readonly tablespace: string | undefined;
  readonly bytes: number;
  /** Whether it has a `WHERE` clause. */
  readonly isPartial: boolean;
  /** False after a `CREATE INDEX CONCURRENTLY` that has failed. */
  readonly isValid: boolean;
  /** The search attribute that it is for; undefined for those that every workflow has, such as its type. */
  readonly attribute: SearchAttribute | undefined;
}

export interface SearchAttribute {
  /** Such as `keyword01`. */
  readonly column: string;
  readonly isBoolean: boolean;
  /** Whether no workflow has a value until it closes. */
  readonly isSetAtClose: boolean;
  /** The share of the rows that have a value, from 0 to 1. */
  readonly share: number;
}

export interface VisibilityTable {
  readonly database: string;
  readonly schema: string;
  /** Of Temporal's schema, such as `1.14`; undefined if its table of versions cannot be read. */
  readonly version: string | undefined;
  /** One row per workflow run. An estimate if the table is large. */
  readonly rows: number;
  /** How many of them were read to find out which attributes have values. */
  readonly sampledRows: number;
  readonly bytes: number;
  readonly indexes: readonly VisibilityIndex[];
}

export const VISIBILITY_TABLE = 'executions_visibility';

/** How much of the table is read: 80 MB. */
const SAMPLE_PAGES = 10_000;

/** The server fills these columns when it records that a workflow has closed (`RecordWorkflowExecutionClosed`). */
const SET_AT_CLOSE: readonly string[] = [
  'history_length',
  'history_size_bytes',
  'execution_duration',
  'state_transition_count',
];

/** Reads the table and its indexes. The table must exist. Changes nothing. */
export async function readVisibilityTable(database: Queryable): Promise<VisibilityTable> {
  const { rows: tables } = await database.query<{
    database: string;
    schema: string;
    bytes: string;
    pages: string;
  }>(
    `SELECT current_database() AS database, nspname AS schema, pg_table_size(pg_class.oid) AS bytes,
       pg_relation_size(pg_class.oid) / current_setting('block_size')::int AS pages
     FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
     WHERE pg_class.oid = to_regclass($1)`,
    [VISIBILITY_TABLE],
  );
  const [table] = tables;
  if (!table) throw new Error(`there is no table ${VISIBILITY_TABLE}`);
  const found = await readIndexes(database);
  const percentage = Math.min(100, (100 * SAMPLE_PAGES) / Math.max(1, Number(table.pages)));
  const sample = await readSample(database, percentage, [
    ...new Set(found.flatMap(({ column }) => column ?? [])),
  ]);
  return {
    database: table.database,
    schema: table.schema,
    version: await readVersion(database),
    rows: Math.round(sample.rows / (percentage / 100)),
    sampledRows: sample.rows,
    bytes: Number(table.bytes),
    indexes: found.map(({ column, isBoolean, bytes, tablespace, ...index }) => ({
      ...index,
      bytes: Number(bytes),
      tablespace: tablespace ?? undefined,
      attribute:
        column === null
          ? undefined
          : {
              column,
              isBoolean,
              isSetAtClose: SET_AT_CLOSE.includes(column),
              share: sample.filled(column) / Math.max(1, sample.rows),
            },
    })),
  };
}

interface IndexRow {
  readonly name: string;
  readonly definition: string;
  readonly tablespace: string | null;
  readonly bytes: string;
  readonly isPartial: boolean;
  readonly isValid: boolean;
  readonly column: string | null;
  readonly isBoolean: boolean;
}

/**
 * Temporal keeps custom search attributes, and most of its own, in columns that Postgres generates, and the others in
 * plain ones. Every index contains the time of closing.
 */
async function readIndexes(database: Queryable): Promise<readonly IndexRow[]> {
  const { rows } = await database.query<IndexRow>(
    `SELECT index.relname AS name, pg_get_indexdef(indexrelid) AS definition, spcname AS tablespace,
       pg_relation_size(indexrelid) AS bytes, indpred IS NOT NULL AS "isPartial",
       indisvalid AS "isValid", attname AS column, coalesce(atttypid = 'bool'::regtype, false) AS "isBoolean"
     FROM pg_index
     JOIN pg_class AS index ON index.oid = indexrelid
     LEFT JOIN pg_tablespace ON pg_tablespace.oid = index.reltablespace
     LEFT JOIN LATERAL (
       SELECT attname, atttypid FROM pg_attribute
       WHERE attrelid = indrelid AND attnum = ANY (indkey::int2[])
         AND (attgenerated = 's' OR NOT attnotnull AND attname <> 'close_time')
       ORDER BY attnum LIMIT 1) AS attribute ON true
     WHERE indrelid = to_regclass($1)
     ORDER BY index.relname`,
    [VISIBILITY_TABLE],
  );
  return rows;
}

/** Counts the rows, and those with a value in each column, in this share of the table. */
async function readSample(database: Queryable, percentage: number, columns: readonly string[]) {
  const counts = columns.map((column) => `count(${quoteName(column)})`).join(', ');
  const { rows } = await database.query<{ counts: readonly string[] }>(
    `SELECT ARRAY[count(*)${counts === '' ? '' : `, ${counts}`}] AS counts
     FROM ${VISIBILITY_TABLE} TABLESAMPLE SYSTEM (${percentage})`,
  );
  const [all = '0', ...filled] = rows[0]?.counts ?? [];
  return {
    rows: Number(all),
    filled: (column: string) => Number(filled[columns.indexOf(column)] ?? 0),
  };
}

/** Temporal's schema tool records the version. */
async function readVersion(database: Queryable): Promise<string | undefined> {
  const { rows: readable } = await database.query<{ may_read: boolean | null }>(
    "SELECT has_table_privilege(to_regclass('schema_version'), 'SELECT') AS may_read",
  );
  if (!readable[0]?.may_read) return undefined;
  const { rows } = await database.query<{ version: string }>(
    'SELECT curr_version AS version FROM schema_version WHERE db_name = current_database()',
  );
  return rows[0]?.version;
}
