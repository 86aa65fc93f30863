import { createSecureContext, type ConnectionOptions } from 'node:tls';
import type { DatabaseUrl } from '../config/database-url.ts';
import { readPem } from '../config/pem-file.ts';
import { OperatorError } from '../program/operator-error.ts';
import { describeCertificateError, tlsProblemOf } from '../program/tls-problem.ts';
import { isDatabaseError } from './sql-state.ts';

/** How one attempt to connect is encrypted, and what it verifies. */
export type TlsAttempt = 'plain' | 'unverified' | 'verify-authority' | 'verify-host';

/**
 * The attempts in their order, as libpq makes them: `prefer`, the default, tries TLS first and does not verify
 * anything; `require` verifies the authority if the URL names one.
 */
export function tlsAttempts({
  sslMode = 'prefer',
  sslRootCertificate,
}: DatabaseUrl): readonly TlsAttempt[] {
  switch (sslMode) {
    case 'disable':
      return ['plain'];
    case 'allow':
      return ['plain', 'unverified'];
    case 'prefer':
      return ['unverified', 'plain'];
    case 'no-verify':
      return ['unverified'];
    case 'require':
      return [sslRootCertificate === undefined ? 'unverified' : 'verify-authority'];
    case 'verify-ca':
      return ['verify-authority'];
    case 'verify-full':
      return ['verify-host'];
    default:
      return sslMode satisfies never;
  }
}

/**
 * The options of a TLS connection, with the certificates that the files contain now. Throws an OperatorError
 * that names the file at fault.
 */
export function tlsOptions(
  url: DatabaseUrl,
  attempt: Exclude<TlsAttempt, 'plain'>,
): ConnectionOptions {
  const { sslRootCertificate, sslCertificate, sslKey, sslPassphrase } = url;
  // Without an authority, Node.js uses those that it trusts.
  const authority = sslRootCertificate === 'system' ? undefined : sslRootCertificate;
  const certificate = {
    ca: readPem('sslrootcert in DATABASE_URL', authority),
    cert: readPem('sslcert in DATABASE_URL', sslCertificate),
    key: readPem('sslkey in DATABASE_URL', sslKey, 'private key'),
    passphrase: sslPassphrase,
  };
  try {
    const secureContext = createSecureContext(certificate);
    switch (attempt) {
      case 'unverified':
        return { secureContext, rejectUnauthorized: false };
      case 'verify-authority':
        return { secureContext, checkServerIdentity: () => undefined };
      case 'verify-host':
        return { secureContext };
      default:
        return attempt satisfies never;
    }
  } catch (error) {
    throw new OperatorError(
      'DATABASE_TLS_FAILED',
      `The files that sslrootcert, sslcert and sslkey name in DATABASE_URL cannot be used: ${describeCertificateError(error, certificate)}`,
      'check that the certificates are valid PEM, that the key is that of the certificate, and that sslpassword in DATABASE_URL is the passphrase of the key if it is encrypted',
      { cause: error },
    );
  }
}

/**
 * Whether an attempt with `prefer` or `allow` failed for want of TLS, or because of it, so that the other kind
 * of connection may succeed. A wrong password is wrong in both.
 */
export const fallsBack = (attempt: TlsAttempt, error: unknown): boolean =>
  (isDatabaseError(error) && error.code === INVALID_AUTHORIZATION) ||
  (attempt !== 'plain' && (isWithoutTls(error) || tlsProblemOf(error) !== undefined));

/** Also of a missing line in pg_hba.conf. */
const INVALID_AUTHORIZATION = '28000';

/** pg's error has no code. */
export const isWithoutTls = (error: unknown): boolean =>
  error instanceof Error && error.message === 'The server does not support SSL connections';
