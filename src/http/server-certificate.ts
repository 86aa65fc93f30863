import { X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import type { Clock } from '../program/clock.ts';
import { describeError, OperatorError } from '../program/operator-error.ts';
import type { RateLimitedLog } from '../telemetry/rate-limited-log.ts';

/** As PEM text. */
export interface ServerCertificate {
  /** The certificate of the server, followed by those of intermediate authorities. */
  readonly cert: string;
  readonly key: string;
  /** The authorities of client certificates; without them, clients are not asked for one. */
  readonly ca?: string;
}

/** Files are compared, not watched: Kubernetes replaces a mounted Secret by renaming a symbolic link. */
const CHECK_INTERVAL_MS = 10_000;

/**
 * Reads the certificate, and again every ten seconds. A renewed one that cannot be used is reported, and the
 * previous one stays in use.
 *
 * Throws an OperatorError if the first one cannot be used.
 */
export function watchCertificate(
  read: () => ServerCertificate,
  log: RateLimitedLog,
  clock: Clock,
): {
  readonly first: ServerCertificate;
  readonly watch: (onRenewed: (certificate: ServerCertificate) => void) => () => void;
} {
  const first = checked(read());
  warnIfExpired(first, log, clock);
  return {
    first,
    watch: (onRenewed) => {
      let current = first;
      return clock.every(CHECK_INTERVAL_MS, () => {
        try {
          const next = read();
          if (!isSame(current, next)) {
            onRenewed(checked(next));
            current = next;
            log.write(
              'info',
              { event: 'http_certificate_renewed', validTo: validTo(next) },
              'the HTTP endpoint uses the renewed certificate',
              `renewed ${validTo(next)}`,
            );
          }
        } catch (error) {
          // A certificate and its key may be replaced one after the other.
          log.write(
            'warn',
            { event: 'http_certificate_unusable', error: describeError(error) },
            'the renewed certificate of the HTTP endpoint cannot be used; the previous one stays in use',
            'unusable',
          );
        }
        warnIfExpired(current, log, clock);
      });
    },
  };
}

function checked(certificate: ServerCertificate): ServerCertificate {
  try {
    createSecureContext(certificate);
    return certificate;
  } catch (error) {
    throw new OperatorError(
      'HTTP_CERTIFICATE_UNUSABLE',
      `The certificate for the HTTP endpoint cannot be used: ${describeError(error)}`,
      'check that the files contain a certificate and its own private key without a passphrase, both as PEM',
      { cause: error },
    );
  }
}

const isSame = (one: ServerCertificate, other: ServerCertificate): boolean =>
  one.cert === other.cert && one.key === other.key && one.ca === other.ca;

const validTo = ({ cert }: ServerCertificate): string =>
  new Date(new X509Certificate(cert).validTo).toISOString();

/** No reason to end: orders are processed without it. */
function warnIfExpired(certificate: ServerCertificate, log: RateLimitedLog, clock: Clock): void {
  const end = validTo(certificate);
  if (Date.parse(end) > clock.now()) return;
  log.write(
    'warn',
    { event: 'http_certificate_expired', validTo: end },
    'the certificate of the HTTP endpoint has expired; replace its files, which are read again every 10 s',
    'expired',
  );
}
