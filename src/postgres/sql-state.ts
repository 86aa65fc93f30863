import pg from 'pg';

/**
 * Classes of SQLSTATE that say the data itself is at fault, so that no retry helps: 22 data
 * exception, 23 integrity constraint violation (PostgreSQL documentation, appendix A).
 */
const REJECTED_CLASSES: readonly string[] = ['22', '23'];

/**
 * Whether Postgres refused the data. Total, and cautious: 08 (connection), 40 (rollback), 53
 * (resources), 55 (object state), 57 (operator), 58 (system) and all that is unknown, such as a
 * missing table or a broken socket, can pass and are retried.
 */
export const isRejection = (error: pg.DatabaseError): boolean =>
  REJECTED_CLASSES.includes((error.code ?? '').slice(0, 2));

/**
 * What went wrong, fit to be kept in Temporal's history and in logs. Postgres quotes data in the
 * messages of the rejected classes and in every `detail`; those are left out.
 */
export function describeDatabaseError(error: pg.DatabaseError): string {
  const where = [
    error.table && `table ${error.table}`,
    error.column && `column ${error.column}`,
    error.constraint && `constraint ${error.constraint}`,
  ].filter(Boolean);
  const message = isRejection(error)
    ? (REJECTIONS[error.code ?? ''] ?? 'data refused')
    : error.message;
  return `${message} (SQLSTATE ${error.code ?? 'unknown'}${where.map((part) => `, ${part}`).join('')})`;
}

export const isDatabaseError = (error: unknown): error is pg.DatabaseError =>
  error instanceof pg.DatabaseError;

/** The condition names of the codes that an order can run into. */
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
