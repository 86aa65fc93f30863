import { OperatorError } from '../../program/operator-error.ts';
import type { KafkaSettings } from '../kafka-client.ts';
import { errorChain } from '../kafkajs-errors.ts';
import { TLS_EXPECTED } from './tls.ts';

/** Why a broker and this client cannot talk to each other, although the network connects them. */
export interface ConnectionFailure {
  readonly code: 'KAFKA_TLS_FAILED' | 'KAFKA_UNREACHABLE';
  readonly reason: string;
  readonly fix: string;
}

type Described = (settings: KafkaSettings) => Omit<ConnectionFailure, 'code'>;

const untrusted: Described = ({ sslCaFile }) => ({
  reason:
    'the certificate of the broker is not signed by a certificate authority that this client trusts',
  fix:
    sslCaFile === undefined
      ? 'set KAFKA_SSL_CA_FILE to the certificate of the authority that signed the certificate of the broker'
      : `put the certificate of the authority that signed the certificate of the broker into KAFKA_SSL_CA_FILE (${sslCaFile})`,
});

const rejectedCertificate: Described = ({ sslCertFile }) =>
  sslCertFile === undefined
    ? {
        reason: 'the broker requires a client certificate',
        fix: 'set KAFKA_SSL_CERT_FILE and KAFKA_SSL_KEY_FILE, or use a port without mutual TLS in KAFKA_BROKERS',
      }
    : {
        reason: `the broker rejects the client certificate of KAFKA_SSL_CERT_FILE (${sslCertFile})`,
        fix: 'check that it has not expired, and that an authority that the broker trusts signed it (`openssl x509 -in FILE -noout -dates -issuer`)',
      };

const notTls: Described = ({ brokers }) => ({
  reason: 'the broker does not use TLS on this port, or closed the connection before TLS began',
  fix: `use the TLS port of the broker in KAFKA_BROKERS (${brokers.join(',')}), or KAFKA_SSL=false`,
});

/** By the code that Node.js gives to errors of TLS. OpenSSL's own text has numbers and source files in it. */
const BY_CODE: readonly (readonly [RegExp, Described])[] = [
  [
    /^CERT_HAS_EXPIRED$/,
    () => ({
      reason: 'the certificate of the broker has expired',
      fix: "renew the certificate of the broker; if it is valid, correct this machine's clock",
    }),
  ],
  [
    /^CERT_NOT_YET_VALID$/,
    () => ({
      reason: 'the certificate of the broker is not valid yet',
      fix: "correct this machine's clock, or the certificate of the broker",
    }),
  ],
  [
    /^ERR_TLS_CERT_ALTNAME_INVALID$/,
    ({ sslServerName }) => ({
      reason:
        sslServerName === undefined
          ? 'the certificate of the broker is for another host name'
          : `the certificate of the broker is not for KAFKA_SSL_SERVER_NAME ("${sslServerName}")`,
      fix: 'use a name that the certificate contains in KAFKA_BROKERS and in advertised.listeners of the broker, or set KAFKA_SSL_SERVER_NAME to one',
    }),
  ],
  [
    /^(?:UNABLE_TO_(?:VERIFY_LEAF_SIGNATURE|GET_ISSUER_CERT(?:_LOCALLY)?)|(?:DEPTH_ZERO_)?SELF_SIGNED_CERT(?:_IN_CHAIN)?|CERT_(?:UNTRUSTED|REJECTED|SIGNATURE_FAILURE|CHAIN_TOO_LONG)|INVALID_(?:CA|PURPOSE))$/,
    untrusted,
  ],
  [
    /^ERR_SSL_.*ALERT_(?:BAD_CERTIFICATE|CERTIFICATE_(?:REQUIRED|UNKNOWN|EXPIRED|REVOKED)|UNSUPPORTED_CERTIFICATE|UNKNOWN_CA|ACCESS_DENIED|NO_CERTIFICATE)/,
    rejectedCertificate,
  ],
  [
    new RegExp(`^${TLS_EXPECTED}$`),
    ({ brokers }) => ({
      reason: 'the broker uses TLS on this port, and this client does not',
      fix: `set KAFKA_SSL=true, or use the port without TLS in KAFKA_BROKERS (${brokers.join(',')})`,
    }),
  ],
  [/^ERR_SSL_(?:WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG)$/, notTls],
  [
    /^ERR_SSL_|^EPROTO$/,
    () => ({
      reason: 'the broker and this client do not agree on a TLS version, cipher or certificate',
      fix: 'compare ssl.enabled.protocols and ssl.cipher.suites of the broker with what Node.js supports (`openssl s_client -connect HOST:PORT` shows the handshake)',
    }),
  ],
];

/** What Node.js says when a server closes the connection instead of answering with TLS. */
const BEFORE_TLS = /before secure TLS connection was established/;

/**
 * Describes an error of a connection that was refused for a reason that an operator has to fix; undefined for any
 * other error, such as a broker that is down.
 */
export function connectionFailure(
  settings: KafkaSettings,
  error: unknown,
): ConnectionFailure | undefined {
  for (const one of errorChain(error)) {
    const describe = tlsFailure(one);
    if (describe) return { code: 'KAFKA_TLS_FAILED', ...describe(settings) };
    if (isClosedWithoutLogin(settings, one)) {
      return {
        code: 'KAFKA_UNREACHABLE',
        reason: 'the broker closed the connection',
        fix: 'set KAFKA_SASL_MECHANISM if the broker requires authentication on this port, and KAFKA_SSL=true if it requires TLS; otherwise check that the broker is running',
      };
    }
  }
  return undefined;
}

/**
 * Whether an operator has to fix the connection, in contrast to a broker that is down: its certificate, the
 * client's, or a file or token that the client needs for it.
 */
export const isRejectedConnection = (error: unknown): boolean =>
  errorChain(error).some((one) => one instanceof OperatorError || tlsFailure(one) !== undefined);

/** kafkajs sends a request that needs a login, and the broker closes the connection without an answer. */
const isClosedWithoutLogin = ({ saslMechanism }: KafkaSettings, error: Error): boolean =>
  saslMechanism === undefined && error.name === 'KafkaJSConnectionClosedError';

function tlsFailure(error: Error): Described | undefined {
  if (BEFORE_TLS.test(error.message)) return notTls;
  const code = codeOf(error);
  return BY_CODE.find(([pattern]) => pattern.test(code))?.[1];
}

const codeOf = (error: Error): string =>
  'code' in error && typeof error.code === 'string' ? error.code : '';
