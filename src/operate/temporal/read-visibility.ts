import type { Pool } from 'pg';
import { readSettings, type Environment } from '../../config/read-settings.ts';
import { VISIBILITY_ROLE } from '../../config/roles.ts';
import type { Secret } from '../../config/secret.ts';
import { visibilitySettings } from '../../config/temporal-settings.ts';
import { createDatabasePool } from '../../postgres/database-pool.ts';
import { databaseError } from '../../postgres/database-error.ts';
import { OperatorError } from '../../program/operator-error.ts';
import {
  readVisibilityTable,
  VISIBILITY_TABLE,
  type VisibilityTable,
} from './visibility-indexes.ts';

const CONNECT_TIMEOUT_MS = 5000;
/** Longer than for orders: a part of the table is read. */
const STATEMENT_TIMEOUT_MS = 30_000;

export const URL_SETTING = visibilitySettings.url.name;

/** Reads the indexes of Temporal's visibility; undefined if the settings do not say where it is. */
export async function readVisibility(env: Environment): Promise<VisibilityTable | undefined> {
  const { url } = readSettings(VISIBILITY_ROLE, env).visibility;
  return url && readVisibilityAt(url);
}

/** Reads, in a read-only transaction. Throws an OperatorError when the database is not that of visibility. */
async function readVisibilityAt(url: Secret): Promise<VisibilityTable> {
  const pool = createDatabasePool({
    url,
    connectTimeoutMs: CONNECT_TIMEOUT_MS,
    statementTimeoutMs: STATEMENT_TIMEOUT_MS,
    maxConnections: 1,
    onIdleError: () => undefined,
  });
  try {
    const client = await pool.connect();
    try {
      await client.query('BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY');
      await checkIsVisibility(client);
      const table = await readVisibilityTable(client);
      await client.query('COMMIT');
      return table;
    } finally {
      client.release();
    }
  } catch (error) {
    throw naming(databaseError("Temporal's visibility database cannot be read", error));
  } finally {
    await pool.end();
  }
}

async function checkIsVisibility(database: Pick<Pool, 'query'>): Promise<void> {
  const { rows } = await database.query<{
    database: string;
    has_visibility: boolean;
    has_attributes: boolean;
    has_executions: boolean;
    has_orders: boolean;
  }>(
    `SELECT current_database() AS database,
       to_regclass($1) IS NOT NULL AS has_visibility,
       EXISTS (SELECT FROM pg_attribute WHERE attrelid = to_regclass($1) AND attgenerated = 's') AS has_attributes,
       to_regclass('current_executions') IS NOT NULL AS has_executions,
       to_regclass('order_ingest_migrations') IS NOT NULL AS has_orders`,
    [VISIBILITY_TABLE],
  );
  const [found] = rows;
  if (!found) throw new Error('Postgres returned no row');
  if (found.has_visibility && found.has_attributes) return;
  const what = `The database "${found.database}"`;
  if (found.has_visibility) {
    throw new OperatorError(
      'TEMPORAL_VISIBILITY_UNSUPPORTED',
      `${what} has an old visibility schema without search attributes`,
      'upgrade the Temporal server and its schemas; there is nothing to tune before',
    );
  }
  throw new OperatorError(
    'TEMPORAL_VISIBILITY_MISSING',
    `${what} has no table ${VISIBILITY_TABLE}${isInstead(found)}`,
    `set ${URL_SETTING} to the database of \`visibilityStore\` in the configuration of the Temporal server, usually temporal_visibility; if visibility is in Elasticsearch or MySQL, there is nothing to tune`,
  );
}

function isInstead(found: { has_executions: boolean; has_orders: boolean }): string {
  if (found.has_executions) return ': it is the main database of Temporal';
  return found.has_orders ? ': it is the database of the orders' : '';
}

/** Errors of connections name the usual setting. */
const naming = ({ code, message, fix, cause }: OperatorError): OperatorError => {
  const renamed = (text: string) => text.replaceAll(/\bDATABASE_URL\b/g, URL_SETTING);
  return new OperatorError(code, renamed(message), renamed(fix), { cause });
};
