import type { ErrorCode } from '../program/error-codes.ts';
import { describeError, OperatorError } from '../program/operator-error.ts';
import { isDatabaseError } from './sql-state.ts';

/**
 * Turns an error of Postgres or of the connection into an OperatorError with a fix. It never holds a
 * password.
 *
 * @param what has failed
 * @param defaultFix for an error that has no fix of its own
 */
export function databaseError(
  what: string,
  error: unknown,
  defaultFix = 'check DATABASE_URL and that the server runs',
): OperatorError {
  if (error instanceof OperatorError) return error;
  return new OperatorError(
    codeOf(error),
    `${what}: ${describeError(error)}`,
    fixFor(error) ?? defaultFix,
    { cause: error },
  );
}

/** By SQLSTATE: 28P01 is invalid_password, 3D000 invalid_catalog_name, 53300 too_many_connections. */
const CODES: Readonly<Record<string, ErrorCode>> = {
  '28P01': 'DATABASE_LOGIN_REJECTED',
  '28000': 'DATABASE_LOGIN_REJECTED',
  '3D000': 'DATABASE_NOT_FOUND',
  '42501': 'DATABASE_RIGHT_MISSING',
  '53300': 'DATABASE_CONNECTIONS_EXHAUSTED',
};

const FIXES: Readonly<Record<string, string>> = {
  '28P01': 'correct the user name or the password in DATABASE_URL',
  '3D000': 'correct the name of the database in DATABASE_URL, or create it',
  '53300':
    'raise max_connections, give the workers fewer slots, or put a pooler in front of Postgres',
};

function codeOf(error: unknown): ErrorCode {
  if (!isDatabaseError(error)) return 'DATABASE_UNREACHABLE';
  if (rejectedParameter(error) !== undefined) return 'DATABASE_PARAMETER_REFUSED';
  return CODES[error.code ?? ''] ?? 'DATABASE_ERROR';
}

function fixFor(error: unknown): string | undefined {
  if (!isDatabaseError(error)) return undefined;
  const parameter = rejectedParameter(error);
  if (parameter !== undefined) return poolerFix(parameter);
  if (error.code === '42501') return rightsFix(error.message);
  if (error.code === '28000') return accessFix(error.message);
  // PgBouncer's words for a rule of pg_hba.conf.
  if (error.message === 'SSL required') return accessFix('no encryption');
  return FIXES[error.code ?? ''];
}

/** SQLSTATE 28000 comes from the rules in pg_hba.conf. */
function accessFix(message: string): string {
  if (message.includes('no encryption')) {
    return 'set sslmode=verify-full and sslrootcert in DATABASE_URL, or allow connections without TLS in pg_hba.conf';
  }
  if (message.includes('valid client certificate')) {
    return 'set sslcert and sslkey in DATABASE_URL to a certificate of this user, signed by an authority that the server trusts (ssl_ca_file)';
  }
  return message.includes('certificate authentication failed')
    ? 'set sslcert and sslkey in DATABASE_URL to a certificate whose common name is the user name'
    : 'correct the user name in DATABASE_URL, or allow the connection in pg_hba.conf';
}

/** PgBouncer rejects startup parameters that it cannot keep per client. */
const rejectedParameter = ({ message }: Error): string | undefined =>
  /unsupported startup parameter(?: in options)?: (\w+)/.exec(message)?.[1];

const poolerFix = (parameter: string) =>
  parameter === 'options' || parameter === 'search_path'
    ? 'a pooler such as PgBouncer rejects `options`: remove them from DATABASE_URL, and set the search path of the role instead: ALTER ROLE … SET search_path = …'
    : `a pooler such as PgBouncer rejects \`${parameter}\`: remove it from DATABASE_URL, and set it for the role instead: ALTER ROLE … SET ${parameter} = …`;

function rightsFix(message: string): string {
  const [, kind, name = '…'] =
    /for (table|schema|database|relation) "?([^"]+)"?$/.exec(message) ?? [];
  if (kind === 'database') {
    return `GRANT CONNECT ON DATABASE "${name}" TO the user of DATABASE_URL`;
  }
  if (kind === 'schema') {
    return `GRANT USAGE ON SCHEMA "${name}" TO the user of DATABASE_URL; \`order-ingest setup\` needs CREATE too`;
  }
  return `GRANT SELECT, INSERT ON ${name} TO the user of DATABASE_URL; SELECT is enough for commands that only read. \`order-ingest setup\` needs the owner of the tables`;
}
