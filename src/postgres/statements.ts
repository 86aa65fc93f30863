import { hash } from 'node:crypto';
import { SpanKind } from '@opentelemetry/api';
import type { OrderDatabase } from '../contract/order-module.ts';
import { inSpan } from '../telemetry/tracing.ts';

/**
 * The name under which a statement is prepared. It depends on the text, because two versions of this
 * program may share a session behind a pooler.
 */
export const statementName = (name: string, text: string): string =>
  `${name}-${hash('sha256', text).slice(0, 8)}`;

export interface Statement {
  /** The name under which it is prepared; see `statementName`. */
  readonly name?: string;
  readonly text: string;
  readonly values: unknown[];
}

/**
 * Runs a statement, prepared if the pool allows it, in a span that follows OpenTelemetry's conventions
 * for databases. The span holds the text of the statement and none of its values.
 */
// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- as in pg's own types
export const runStatement = <Row extends Record<string, unknown>>(
  database: OrderDatabase,
  { operation, table }: { readonly operation: string; readonly table: string },
  { name, ...statement }: Statement,
): Promise<{ rows: Row[] }> =>
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
      database.query<Row>(
        database.preparesStatements && name !== undefined ? { name, ...statement } : statement,
      ),
  );
