import net from 'node:net';
import tls from 'node:tls';
import type { ISocketFactory } from 'kafkajs';
import { readPem } from '../../config/pem-file.ts';
import { OperatorError } from '../../program/operator-error.ts';
import { describeCertificateError } from '../../program/tls-problem.ts';
import type { KafkaSettings } from '../kafka-client.ts';

/** As in kafkajs's own factory. */
const KEEP_ALIVE_DELAY_MS = 60_000;

/** The code of the error of a plaintext connection to a port that expects TLS. */
export const TLS_EXPECTED = 'ERR_TLS_EXPECTED';

/**
 * Opens the connections to the brokers, with the certificates that are in the files at that moment, so that
 * renewed ones are used without a restart. kafkajs's own factory uses those of the start.
 */
export const createSocketFactory =
  (settings: KafkaSettings): ISocketFactory =>
  ({ host, port, onConnect }) => {
    const socket = settings.ssl
      ? tls.connect({ host, port, ...serverName(settings, host), ...tlsFiles(settings) }, onConnect)
      : connectInPlaintext(host, port, onConnect);
    socket.setKeepAlive(true, KEEP_ALIVE_DELAY_MS);
    return socket;
  };

/**
 * Throws an OperatorError that names the setting and the file, if one of them cannot be read or is not what it
 * should be.
 */
export function checkTlsFiles(settings: KafkaSettings): void {
  if (settings.ssl) tlsFiles(settings);
}

function tlsFiles(settings: KafkaSettings): tls.ConnectionOptions {
  const { sslCaFile, sslCertFile, sslKeyFile, sslKeyPassphrase } = settings;
  const files = {
    ca: readPem('KAFKA_SSL_CA_FILE', sslCaFile),
    cert: readPem('KAFKA_SSL_CERT_FILE', sslCertFile),
    key: readPem('KAFKA_SSL_KEY_FILE', sslKeyFile, 'private key'),
    passphrase: sslKeyPassphrase?.current(),
  };
  try {
    return { secureContext: tls.createSecureContext(files) };
  } catch (error) {
    throw new OperatorError(
      'CLIENT_CERTIFICATE_INVALID',
      `KAFKA_SSL_CERT_FILE (${sslCertFile ?? 'unset'}) and KAFKA_SSL_KEY_FILE (${sslKeyFile ?? 'unset'}) cannot be used: ${describeCertificateError(error, files)}`,
      'set them to a certificate and its private key, and KAFKA_SSL_KEY_PASSPHRASE to the passphrase if the key is encrypted',
      { cause: error },
    );
  }
}

/** kafkajs's factory also sends no name when the host is an address; TLS does not allow it. */
const serverName = ({ sslServerName }: KafkaSettings, host: string) => {
  if (sslServerName !== undefined) return { servername: sslServerName };
  return net.isIP(host) === 0 ? { servername: host } : {};
};

/** The first bytes of a TLS record that holds an alert: what a TLS port answers to anything else. */
const ALERT = 0x15;
const TLS_MAJOR_VERSION = 0x03;

function connectInPlaintext(host: string, port: number, onConnect: () => void): net.Socket {
  const socket = net.connect({ host, port }, onConnect);
  socket.once('data', (data: Buffer) => {
    // kafkajs would take it for the size of an answer, and wait for the rest.
    if (data[0] !== ALERT || data[1] !== TLS_MAJOR_VERSION) return;
    const error = new Error('the port expects TLS');
    socket.destroy(Object.assign(error, { code: TLS_EXPECTED }));
  });
  return socket;
}
