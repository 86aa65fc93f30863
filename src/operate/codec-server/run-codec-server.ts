import { isIP } from 'node:net';
import { CODEC_SERVER_ROLE } from '../../config/roles.ts';
import { readSettings, type Environment, type Settings } from '../../config/read-settings.ts';
import { readPem } from '../../config/pem-file.ts';
import { startHttpServer } from '../../http/http-server.ts';
import { continueOnUnexpectedErrors } from '../../program/exit.ts';
import { OperatorError } from '../../program/operator-error.ts';
import type { ShutdownSignals } from '../../program/shutdown-signals.ts';
import { openLog, unexpectedErrorLog } from '../../telemetry/logger.ts';
import { openCodec } from '../../temporal/open-codec.ts';
import { answerCodecRequest } from './answer-codec-request.ts';
import type { CodecAccess } from './codec-access.ts';

type CodecServerSettings = Settings<typeof CODEC_SERVER_ROLE>;

/**
 * Runs the codec server until the first shutdown signal. Throws an OperatorError when it cannot start: without keys,
 * or reachable by others without a token.
 */
export async function runCodecServer(env: Environment, signals: ShutdownSignals): Promise<void> {
  const settings = readSettings(CODEC_SERVER_ROLE, env, ({ codecServer, payload }) => [
    ...(payload.keys === undefined
      ? ['TEMPORAL_PAYLOAD_KEYS is not set: there is nothing to decode']
      : []),
    ...((codecServer.tlsCertFile === undefined) !== (codecServer.tlsKeyFile === undefined)
      ? ['CODEC_SERVER_TLS_CERT_FILE and CODEC_SERVER_TLS_KEY_FILE must be set together']
      : []),
  ]);
  const { host, port, token } = settings.codecServer;
  if (token === undefined && !isLoopback(host)) {
    throw new OperatorError(
      'CODEC_SERVER_UNPROTECTED',
      `With CODEC_SERVER_HOST=${host}, everyone who reaches the codec server could decode all orders`,
      'set CODEC_SERVER_TOKEN, or leave CODEC_SERVER_HOST at 127.0.0.1',
    );
  }
  const logger = openLog(settings.logging)('codec-server');
  continueOnUnexpectedErrors(unexpectedErrorLog(logger));
  const codec = openCodec(env);
  const access = accessOf(settings);
  const server = await startHttpServer({
    ...{ host, port, logger },
    portSetting: 'CODEC_SERVER_PORT',
    purpose: 'The codec server',
    certificate: certificateOf(settings),
    answer: (request, response) => answerCodecRequest({ codec, access }, request, response),
  });
  const { ids } = codec.keys;
  logger.info(
    { event: 'http_listening', host, port: server.port, origins: access.origins, keys: ids },
    'serving /encode and /decode',
  );
  await new Promise<void>((resolve) => {
    const stopListening = signals.onFirst((signal) => {
      logger.info({ event: 'shutdown_signal_received', signal }, 'shutting down');
      stopListening();
      resolve();
    });
  });
  await server.close();
}

function accessOf({ codecServer, temporal }: CodecServerSettings): CodecAccess {
  const { origins, token, tlsCertFile } = codecServer;
  const ofUi = temporal.ui === undefined ? [] : [new URL(temporal.ui).origin];
  return {
    origins: origins ?? ofUi,
    token: token && (() => token.current()),
    hasTls: tlsCertFile !== undefined,
  };
}

function certificateOf({ codecServer: { tlsCertFile, tlsKeyFile } }: CodecServerSettings) {
  if (tlsCertFile === undefined || tlsKeyFile === undefined) return undefined;
  return () => ({
    cert: readPem('CODEC_SERVER_TLS_CERT_FILE', tlsCertFile),
    key: readPem('CODEC_SERVER_TLS_KEY_FILE', tlsKeyFile, 'private key'),
  });
}

const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
