import { readFileSync } from 'node:fs';
import * as tls from 'node:tls';
import { credentials, experimental, type ChannelCredentials } from '@grpc/grpc-js';
import type { ConnectionSettings } from './connection-settings.ts';
import type { RenewedSettings } from './renewed-settings.ts';

type Listener<Update> = (update: Update | null) => void;

/**
 * TLS credentials of a grpc-js channel, which uses the present certificates for each new connection. Connections
 * that are open stay open.
 */
export function channelCredentials(settings: RenewedSettings): ChannelCredentials {
  const { tls: given } = settings.current();
  if (!given) return credentials.createInsecure();
  // There is nothing to renew.
  if (!given.serverCa && !given.client) return credentials.createSsl();
  const provider = new CertificateProvider(settings);
  return experimental.createCertificateProviderChannelCredentials(
    provider,
    given.client ? provider : null,
  );
}

/** Passes the certificates to grpc-js, and renewed ones as long as a channel uses them. */
class CertificateProvider implements experimental.CertificateProvider {
  readonly #settings: RenewedSettings;
  readonly #unwatch = new Map<unknown, () => void>();

  constructor(settings: RenewedSettings) {
    this.#settings = settings;
  }

  addCaCertificateListener(listener: experimental.CaCertificateUpdateListener): void {
    this.#add(listener, caCertificate);
  }

  addIdentityCertificateListener(listener: experimental.IdentityCertificateUpdateListener): void {
    this.#add(listener, identityCertificate);
  }

  removeCaCertificateListener(listener: experimental.CaCertificateUpdateListener): void {
    this.#remove(listener);
  }

  removeIdentityCertificateListener(
    listener: experimental.IdentityCertificateUpdateListener,
  ): void {
    this.#remove(listener);
  }

  #add<Update>(
    listener: Listener<Update>,
    update: (settings: ConnectionSettings) => Update | null,
  ): void {
    this.#unwatch.set(
      listener,
      this.#settings.watch((settings) => {
        listener(update(settings));
      }),
    );
    process.nextTick(() => {
      listener(update(this.#settings.current()));
    });
  }

  #remove(listener: unknown): void {
    this.#unwatch.get(listener)?.();
    this.#unwatch.delete(listener);
  }
}

const caCertificate = ({ tls: given }: ConnectionSettings) => ({
  caCertificate: Buffer.from(given?.serverCa?.text ?? usualAuthorities()),
});

const identityCertificate = ({ tls: given }: ConnectionSettings) =>
  given?.client
    ? {
        certificate: Buffer.from(given.client.certificate.text),
        privateKey: Buffer.from(given.client.key.text),
      }
    : null;

/** The authorities that Node.js trusts. Before Node.js 22.15, no function returned all of them. */
export function usualAuthorities(): string {
  const getCACertificates = Reflect.get(tls, 'getCACertificates') as
    ((type: 'default') => string[]) | undefined;
  if (getCACertificates) return getCACertificates('default').join('\n');
  return [...tls.rootCertificates, ...extraAuthorities()].join('\n');
}

/** Node.js itself warns of a file that cannot be read, and goes on without it. */
function extraAuthorities(): readonly string[] {
  const file = process.env['NODE_EXTRA_CA_CERTS'];
  try {
    return file ? [readFileSync(file, 'utf8')] : [];
  } catch {
    return [];
  }
}
