import pg from 'pg';
import { describeDatabaseError, isRejection } from '../../../src/postgres/sql-state.ts';

function databaseError(code: string, message = ''): pg.DatabaseError {
  const error = new pg.DatabaseError(message, message.length, 'error');
  error.code = code;
  return error;
}

describe('an SQLSTATE', () => {
  test.each(['22003', '22021', '22P02', '23502', '23505', '23514'])('%s is a rejection', (code) => {
    expect(isRejection(databaseError(code))).toBe(true);
  });

  test.each([
    '08006',
    '40001',
    '40P01',
    '53300',
    '55P03',
    '57014',
    '57P01',
    '58030',
    '42P01',
    '42703',
    '25006',
    '28P01',
    'XX000',
    'P0001',
    '',
  ])('%s is retried', (code) => {
    expect(isRejection(databaseError(code))).toBe(false);
  });

  test('of a rejection is described without data', () => {
    const error = databaseError('23505', 'Key (order_id)=(Jane Doe) already exists');
    error.detail = 'Failing row contains (Jane Doe)';
    error.table = 'orders';
    error.constraint = 'orders_pkey';
    expect(describeDatabaseError(error)).toBe(
      'unique violation (SQLSTATE 23505, table orders, constraint orders_pkey)',
    );
  });

  test('of any other error is described with its message', () => {
    expect(describeDatabaseError(databaseError('53300', 'too many connections'))).toBe(
      'too many connections (SQLSTATE 53300)',
    );
  });
});
