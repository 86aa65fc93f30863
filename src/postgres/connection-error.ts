import type { DatabaseUrl } from '../config/database-url.ts';
import type { ErrorCode } from '../program/error-codes.ts';
import { OperatorError } from '../program/operator-error.ts';
import {
  describeTlsError,
  namesInCertificate,
  tlsProblemOf,
  type TlsProblem,
} from '../program/tls-problem.ts';
import { databaseError } from './database-error.ts';
import { isDatabaseError } from './sql-state.ts';
import { isWithoutTls } from './tls.ts';

/**
 * Why a connection to one host could not be opened.
 *
 * @param host `host:port`
 * @param url to see whether a certificate was sent
 */
export function connectionError(
  host: string,
  error: unknown,
  { sslCertificate }: Pick<DatabaseUrl, 'sslCertificate'>,
): OperatorError {
  const what = `Postgres at ${host} cannot be used`;
  if (error instanceof OperatorError) {
    // Its message is about the server, or about a file.
    return error.code === 'DATABASE_NOT_WRITABLE'
      ? new OperatorError(error.code, `${what}: ${error.message}`, error.fix, { cause: error })
      : error;
  }
  const problem = isWithoutTls(error) ? 'not-tls' : tlsProblemOf(error);
  if (problem !== undefined) {
    const { reason, fix } = TLS_PROBLEMS[problem](error);
    return new OperatorError('DATABASE_TLS_FAILED', `${what}: ${reason}`, fix, { cause: error });
  }
  const failure = databaseError(what, error);
  const addition = sslCertificate === undefined ? undefined : CERTIFICATE_FIXES[failure.code];
  return addition === undefined
    ? failure
    : new OperatorError(failure.code, failure.message, `${failure.fix}; ${addition}`, {
        cause: error,
      });
}

/** A server does not always tell that it was the certificate. */
const CERTIFICATE_FIXES: Partial<Record<ErrorCode, string>> = {
  // `clientcert=verify-full` reports a certificate of another user as a wrong password.
  DATABASE_LOGIN_REJECTED:
    'the common name of the certificate of sslcert may have to be the user name, see the log of the server',
  // Its message may be lost when it closes the connection.
  DATABASE_UNREACHABLE: 'its log has the reason if it rejects the certificate of sslcert',
};

const TLS_PROBLEMS: Readonly<
  Record<TlsProblem, (error: unknown) => { readonly reason: string; readonly fix: string }>
> = {
  'authority-unknown': (error) => ({
    reason: `no trusted authority has signed its certificate (${describeTlsError(error)})`,
    fix: 'set sslrootcert in DATABASE_URL to the PEM file of the authority that signs the certificate of the server',
  }),
  'host-name-differs': (error) => ({
    reason: `its certificate is valid for ${namesInCertificate(error)}, and not for the host in DATABASE_URL`,
    fix: 'use a host name of the certificate in DATABASE_URL, or have the certificate issued for this one; sslmode=verify-ca does not check the name',
  }),
  'server-certificate-expired': () => ({
    reason: 'its certificate has expired',
    fix: 'renew the certificate of the server, and reload its configuration',
  }),
  'server-certificate-not-yet-valid': () => ({
    reason: 'its certificate is not valid yet',
    fix: 'compare the clock of this machine with the certificate of the server',
  }),
  'client-certificate-missing': () => ({
    reason: 'it accepts clients with a certificate only',
    fix: 'set sslcert and sslkey in DATABASE_URL',
  }),
  'client-certificate-rejected': (error) => ({
    reason: `it rejects the client certificate (${describeTlsError(error)})`,
    fix: 'set sslcert and sslkey in DATABASE_URL to a certificate that has not expired and is signed by an authority that the server trusts (ssl_ca_file)',
  }),
  'not-tls': () => ({
    reason: 'the server does not offer TLS',
    fix: 'turn on ssl in its postgresql.conf, or set sslmode=disable in DATABASE_URL if the network is trusted',
  }),
  'tls-versions-differ': (error) => ({
    reason: `it supports no version of TLS that this program does (${describeTlsError(error)})`,
    fix: 'set ssl_min_protocol_version and ssl_max_protocol_version of the server so that TLS 1.2 or 1.3 is included',
  }),
};

/**
 * Whether another host of the URL may accept the connection. As in libpq, a rejected login ends the attempt: a
 * wrong password is wrong everywhere, and repeating it could lock the account.
 */
export const isWorthAnotherHost = (error: unknown): boolean =>
  isDatabaseError(error)
    ? error.code === CANNOT_CONNECT_NOW || error.code === TOO_MANY_CONNECTIONS
    : !(error instanceof OperatorError) || error.code === 'DATABASE_NOT_WRITABLE';

/** The server is starting up or shutting down. */
const CANNOT_CONNECT_NOW = '57P03';
const TOO_MANY_CONNECTIONS = '53300';

/** One error for all hosts, which has the code and the fix of the one that says most. */
export function noHostError(failures: readonly OperatorError[]): OperatorError {
  const telling =
    failures.find(
      ({ code }) => !['DATABASE_UNREACHABLE', 'DATABASE_NOT_WRITABLE'].includes(code),
    ) ??
    failures.find(({ code }) => code === 'DATABASE_NOT_WRITABLE') ??
    failures[0];
  if (telling === undefined) throw new Error('there is no host');
  return failures.length === 1
    ? telling
    : new OperatorError(
        telling.code,
        failures.map(({ message }) => message).join('; '),
        telling.fix,
        { cause: telling },
      );
}
