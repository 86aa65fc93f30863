import { hash } from 'node:crypto';
import { SpanKind } from '@opentelemetry/api';
import type { Pool, QueryConfig, QueryResult, QueryResultRow } from 'pg';
import { inSpan } from '../telemetry/tracing.ts';

/** What statements run on: a `DatabasePool`, or any pool where no statement is to be prepared. */
export type StatementPool = Pick<Pool, 'query'> & {
  /** See `DatabasePool`. */
  readonly preparesStatements?: boolean;
};

/**
 * The name under which a statement is prepared. It depends on the text, because two versions of this
 * program may share a session behind a pooler.
 */
export const statementName = (name: string, text: string): string =>
  `${name}-${hash('sha256', text).slice(0, 8)}`;

/**
 * Runs a statement, prepared if the pool allows it, in a span that follows OpenTelemetry's conventions
 * for databases. The span holds the text of the statement and none of its values.
 */
export const runStatement = <Row extends QueryResultRow>(
  pool: StatementPool,
  { operation, table }: { readonly operation: string; readonly table: string },
  { name, ...statement }: QueryConfig,
): Promise<QueryResult<Row>> =>
  inSpan(
    {
      name: `${operation} ${table}`,
      kind: SpanKind.CLIENT,
      attributes: {
        'db.system.name': 'postgresql',
        'db.operation.name': operation,
        'db.collection.name': table,
        'db.query.text': statement.text,
      },
    },
    () =>
      pool.query<Row>(
        pool.preparesStatements && name !== undefined ? { name, ...statement } : statement,
      ),
  );
