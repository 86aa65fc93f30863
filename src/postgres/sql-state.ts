import pg from 'pg';

/**
 * The SQLSTATE classes of errors in the data itself, which no retry can fix: 22 data exception, 23
 * integrity constraint violation (PostgreSQL documentation, appendix A).
 */
const REJECTED_CLASSES: readonly string[] = ['22', '23'];

/**
 * Whether Postgres rejected the data. Every other error counts as transient and is retried: 08
 * (connection), 40 (rollback), 53 (resources), 55 (object state), 57 (operator), 58 (system), and
 * whatever is not known here, such as a missing table.
 */
export const isRejection = (error: pg.DatabaseError): boolean =>
  REJECTED_CLASSES.includes((error.code ?? '').slice(0, 2));

/**
 * Describes an error for logs and Temporal's history, without data of the order. Postgres quotes data in
 * the messages of rejections and in every `detail`, so both are left out.
 */
export function describeDatabaseError(error: pg.DatabaseError): string {
  const where = [
    error.table && `table ${error.table}`,
    error.column && `column ${error.column}`,
    error.constraint && `constraint ${error.constraint}`,
  ].filter(Boolean);
  const message = isRejection(error)
    ? (REJECTIONS[error.code ?? ''] ?? 'data rejected')
    : error.message;
  return `${message} (SQLSTATE ${error.code ?? 'unknown'}${where.map((part) => `, ${part}`).join('')})`;
}

export const isDatabaseError = (error: unknown): error is pg.DatabaseError =>
  error instanceof pg.DatabaseError;

/** The names of the conditions that an order can meet. */
const REJECTIONS: Readonly<Record<string, string>> = {
  '22003': 'numeric value out of range',
  '22007': 'invalid datetime format',
  '22008': 'datetime field overflow',
  '22021': 'character not in repertoire: a NUL character cannot be stored',
  '22P02': 'invalid text representation',
  '23502': 'not null violation',
  '23503': 'foreign key violation',
  '23505': 'unique violation',
  '23514': 'check violation',
};
