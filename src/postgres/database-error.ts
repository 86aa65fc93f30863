import type { ErrorCode } from '../program/error-codes.ts';
import { describeError, OperatorError } from '../program/operator-error.ts';
import { isDatabaseError } from './sql-state.ts';

/** An error of Postgres or of the connection, with what to do about it. Never holds a password. */
export function databaseError(
  what: string,
  error: unknown,
  remedy = 'check DATABASE_URL and that the server runs',
): OperatorError {
  if (error instanceof OperatorError) return error;
  return new OperatorError(
    codeOf(error),
    `${what}: ${describeError(error)}`,
    remedyFor(error) ?? remedy,
    {
      cause: error,
    },
  );
}

/** By SQLSTATE: `53300` is too_many_connections, `3D000` invalid_catalog_name. */
const CODES: Readonly<Record<string, ErrorCode>> = {
  '28P01': 'DATABASE_LOGIN_REJECTED',
  '28000': 'DATABASE_LOGIN_REJECTED',
  '3D000': 'DATABASE_NOT_FOUND',
  '42501': 'DATABASE_RIGHT_MISSING',
  '53300': 'DATABASE_CONNECTIONS_EXHAUSTED',
};

function codeOf(error: unknown): ErrorCode {
  if (!isDatabaseError(error)) return 'DATABASE_UNREACHABLE';
  if (refusedParameter(error) !== undefined) return 'DATABASE_PARAMETER_REFUSED';
  return CODES[error.code ?? ''] ?? 'DATABASE_ERROR';
}

const refusedParameter = ({ message }: Error): string | undefined =>
  /unsupported startup parameter(?: in options)?: (\w+)/.exec(message)?.[1];

function remedyFor(error: unknown): string | undefined {
  if (!isDatabaseError(error)) return undefined;
  const refused = refusedParameter(error);
  if (refused !== undefined) return pooledRemedy(refused);
  if (error.code === '42501') return rightsRemedy(error.message);
  return REMEDIES[error.code ?? ''];
}

/** PgBouncer refuses parameters that it does not know for the sessions behind it. */
const pooledRemedy = (parameter: string) =>
  parameter === 'options' || parameter === 'search_path'
    ? 'a pooler such as PgBouncer takes no `options`: take them out of DATABASE_URL, and set the search path for the role instead: ALTER ROLE … SET search_path = …'
    : `a pooler such as PgBouncer does not take it: take \`${parameter}\` out of DATABASE_URL, and set it for the role instead: ALTER ROLE … SET ${parameter} = …`;

function rightsRemedy(message: string): string {
  const [, kind, name = '…'] =
    /for (table|schema|database|relation) "?([^"]+)"?$/.exec(message) ?? [];
  if (kind === 'database') {
    return `GRANT CONNECT ON DATABASE "${name}" TO the user of DATABASE_URL`;
  }
  if (kind === 'schema') {
    return `GRANT USAGE ON SCHEMA "${name}" TO the user of DATABASE_URL; \`order-ingest setup\` needs CREATE too`;
  }
  return 'GRANT SELECT, INSERT ON orders, order_line_items TO the user of DATABASE_URL; SELECT is enough for commands that only read. `order-ingest setup` needs the owner of the tables';
}

const REMEDIES: Readonly<Record<string, string>> = {
  '28P01': 'correct the user name or the password in DATABASE_URL',
  '28000': 'correct the user name in DATABASE_URL, or allow the connection in pg_hba.conf',
  '3D000': 'correct the name of the database in DATABASE_URL, or create it',
  '53300':
    'raise max_connections, give the workers fewer slots, or put a pooler in front of Postgres',
};
