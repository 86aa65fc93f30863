import { hash } from 'node:crypto';
import type { Pool, QueryConfig, QueryResult, QueryResultRow } from 'pg';

/** What statements run on. */
export type StatementPool = Pick<Pool, 'query'> & {
  /** See `DatabasePool`. */
  readonly preparesStatements?: boolean;
};

/**
 * The name under which a statement is prepared. It changes with the text: behind a pooler, two versions
 * of this program may meet in one session.
 */
export const statementName = (name: string, text: string): string =>
  `${name}-${hash('sha256', text).slice(0, 8)}`;

/** Runs a statement, prepared under its name where the connections allow that. */
export const runStatement = <Row extends QueryResultRow>(
  pool: StatementPool,
  { name, ...statement }: QueryConfig,
): Promise<QueryResult<Row>> =>
  pool.query<Row>(
    pool.preparesStatements && name !== undefined ? { name, ...statement } : statement,
  );
