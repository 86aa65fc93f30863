import { SpanKind } from '@opentelemetry/api';
import type { Pool, QueryConfig, QueryResult, QueryResultRow } from 'pg';
import { inSpan } from '../telemetry/spans.ts';

/**
 * Runs a statement within a span of its own, by OpenTelemetry's conventions for databases. The span
 * has the text of the statement and none of its values.
 */
export const tracedQuery = <Row extends QueryResultRow>(
  pool: Pick<Pool, 'query'>,
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
    () => pool.query<Row>(query),
  );
