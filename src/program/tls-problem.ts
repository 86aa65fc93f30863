import { createPrivateKey } from 'node:crypto';
import { describeError } from './operator-error.ts';

/** Why a TLS connection could not be opened. The client is this program. */
export type TlsProblem =
  | 'authority-unknown'
  | 'host-name-differs'
  | 'server-certificate-expired'
  | 'server-certificate-not-yet-valid'
  | 'client-certificate-missing'
  | 'client-certificate-rejected'
  | 'not-tls'
  | 'tls-versions-differ';

/** By the code of the error, as Node.js and OpenSSL name them. */
const BY_CODE: Readonly<Record<string, TlsProblem>> = {
  CERT_SIGNATURE_FAILURE: 'authority-unknown',
  CERT_UNTRUSTED: 'authority-unknown',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'authority-unknown',
  SELF_SIGNED_CERT_IN_CHAIN: 'authority-unknown',
  UNABLE_TO_GET_ISSUER_CERT: 'authority-unknown',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'authority-unknown',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'authority-unknown',
  ERR_TLS_CERT_ALTNAME_INVALID: 'host-name-differs',
  CERT_HAS_EXPIRED: 'server-certificate-expired',
  CERT_NOT_YET_VALID: 'server-certificate-not-yet-valid',
  // Sent by a server that accepts clients with a certificate only.
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: 'client-certificate-missing',
  // The other alerts are about a certificate that this program has sent.
  ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE: 'client-certificate-rejected',
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED: 'client-certificate-rejected',
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_REVOKED: 'client-certificate-rejected',
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_UNKNOWN: 'client-certificate-rejected',
  ERR_SSL_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE: 'client-certificate-rejected',
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: 'client-certificate-rejected',
  ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION: 'tls-versions-differ',
  ERR_SSL_UNSUPPORTED_PROTOCOL: 'tls-versions-differ',
  // What OpenSSL makes of bytes that are not TLS.
  ERR_SSL_PACKET_LENGTH_TOO_LONG: 'not-tls',
  ERR_SSL_WRONG_VERSION_NUMBER: 'not-tls',
};

/** By the reason in the message: where Node.js reports EPROTO, only the message has it. */
const BY_REASON: readonly (readonly [RegExp, TlsProblem])[] = [
  [/:wrong version number:|:packet length too long:/, 'not-tls'],
  [/alert certificate required/, 'client-certificate-missing'],
  [/alert (?:bad|unsupported) certificate/, 'client-certificate-rejected'],
  [/alert certificate (?:expired|revoked|unknown)/, 'client-certificate-rejected'],
  [/alert unknown ca/, 'client-certificate-rejected'],
  [/alert protocol version|:unsupported protocol:/, 'tls-versions-differ'],
];

/** What is wrong with a TLS connection, by the error of Node.js; undefined for any other error. */
export function tlsProblemOf(error: unknown): TlsProblem | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  if (error.code === 'EPROTO') {
    const message = 'message' in error ? String(error.message) : '';
    return BY_REASON.find(([reason]) => reason.test(message))?.[1];
  }
  return typeof error.code === 'string' ? BY_CODE[error.code] : undefined;
}

/** The host names of the certificate in Node's error about a wrong one: `localhost, 127.0.0.1`. */
export function namesInCertificate(error: unknown): string {
  const text =
    typeof error === 'object' && error !== null && 'cert' in error ? error.cert : undefined;
  const names =
    typeof text === 'object' && text !== null && 'subjectaltname' in text
      ? text.subjectaltname
      : undefined;
  return typeof names === 'string' && names !== ''
    ? names.replaceAll(/\b(?:DNS|IP Address):/g, '')
    : 'no host name';
}

/** What OpenSSL or Node.js say, without the places in OpenSSL's source code. */
export function describeTlsError(error: unknown): string {
  const reason =
    typeof error === 'object' && error !== null && 'reason' in error ? error.reason : undefined;
  const text = typeof reason === 'string' ? reason : describeError(error);
  return (/:SSL routines:[^:]*:([^:]+)/.exec(text)?.[1] ?? text).replace(
    /^(?:sslv3|tlsv1|tlsv13) alert /,
    '',
  );
}

/** What a client shows a server, as PEM text. */
export interface ClientCertificate {
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  /** Of the private key. */
  readonly passphrase?: string | undefined;
}

/** Why OpenSSL refuses a client certificate and its private key: `error` is that of `createSecureContext`. */
export function describeCertificateError(error: unknown, certificate: ClientCertificate): string {
  const reason = describeTlsError(error);
  if (!canBeDecrypted(certificate)) {
    const problem = 'the private key is encrypted, and the passphrase is wrong or missing';
    return /unsupported/i.test(reason)
      ? `${problem}, or OpenSSL 3 does not support its cipher`
      : problem;
  }
  return /key values mismatch/i.test(reason)
    ? 'the private key does not belong to the certificate'
    : reason;
}

/** As PKCS #8, and in the older format of each kind of key. */
const ENCRYPTED_KEY = /-----BEGIN ENCRYPTED PRIVATE KEY-----|Proc-Type: 4,ENCRYPTED/;

/**
 * OpenSSL's error does not always tell: about one wrong passphrase in 256 decrypts a key to something that has the right
 * padding, and is "unsupported".
 */
function canBeDecrypted({ key, passphrase = '' }: ClientCertificate): boolean {
  if (key === undefined || !ENCRYPTED_KEY.test(key)) return true;
  try {
    createPrivateKey({ key, passphrase });
    return true;
  } catch {
    return false;
  }
}
