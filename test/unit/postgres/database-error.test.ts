import pg from 'pg';
import { databaseError } from '../../../src/postgres/database-error.ts';

function fixFor(code: string, message: string): string {
  const error = new pg.DatabaseError(message, message.length, 'error');
  error.code = code;
  return databaseError('Postgres cannot be used', error).fix;
}

test.each([
  ['42501', 'permission denied for database "orders"', 'GRANT CONNECT ON DATABASE "orders"'],
  ['42501', 'permission denied for schema shop', 'GRANT USAGE ON SCHEMA "shop"'],
  ['42501', 'permission denied for table orders', 'GRANT SELECT, INSERT ON orders'],
  ['28P01', 'password authentication failed for user "a"', 'correct the user name or the password'],
  ['3D000', 'database "a" does not exist', 'correct the name of the database'],
  ['53300', 'sorry, too many clients already', 'max_connections'],
  ['08P01', 'unsupported startup parameter: options', 'SET search_path'],
  ['08P01', 'unsupported startup parameter: statement_timeout', 'SET statement_timeout'],
  ['28000', 'no pg_hba.conf entry for host "::1", no encryption', 'set sslmode=verify-full'],
  ['28000', 'connection requires a valid client certificate', 'set sslcert and sslkey'],
  ['08P01', 'SSL required', 'set sslmode=verify-full'],
  ['57P03', 'the database system is starting up', 'that the server runs'],
])('SQLSTATE %s, %s, has a fix', (code, message, fix) => {
  expect(fixFor(code, message)).toContain(fix);
});
