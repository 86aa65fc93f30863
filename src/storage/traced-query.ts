import { SpanKind } from '@opentelemetry/api';
import type { QueryConfig, QueryResult, QueryResultRow } from 'pg';
import { inSpan } from '../telemetry/spans.ts';
import { runStatement, type StatementPool } from './prepared-statement.ts';

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
