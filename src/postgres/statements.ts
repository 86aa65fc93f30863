import { hash } from 'node:crypto';
import type { Pool, QueryConfig, QueryResult, QueryResultRow } from 'pg';
import { SpanKind } from '@opentelemetry/api';
import { inSpan } from '../telemetry/spans.ts';

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

/**
 * Runs a statement within a span of its own, by OpenTelemetry's conventions for databases. The span
 * has the text of the statement and none of its values.
 */
export const tracedQuery = <Row extends QueryResultRow>(
  pool: StatementPool,
  operation: string,
  query: QueryConfig,
): Promise<QueryResult<Row>> =>
  inSpan(
    {
      name: `${operation} orders`,
      kind: SpanKind.CLIENT,
      attributes: {
        'db.system.name': 'postgresql',
        'db.operation.name': operation,
        'db.collection.name': 'orders',
        'db.query.text': query.text,
      },
    },
    () => runStatement<Row>(pool, query),
  );
