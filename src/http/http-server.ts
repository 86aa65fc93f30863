import { once } from 'node:events';
import {
  createServer,
  type IncomingMessage,
  type Server,
  type ServerOptions,
  type ServerResponse,
} from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { Socket } from 'node:net';
import { systemClock, type Clock } from '../program/clock.ts';
import { describeError, OperatorError } from '../program/operator-error.ts';
import type { Logger } from '../telemetry/logger.ts';
import { RateLimitedLog } from '../telemetry/rate-limited-log.ts';
import { ConnectionLimit, MAX_CONNECTIONS } from './connection-limit.ts';
import { watchCertificate, type ServerCertificate } from './server-certificate.ts';

export interface HttpServerOptions {
  readonly host: string;
  /** 0 opens any free port. */
  readonly port: number;
  /** Name of the setting for the port, for the error if the port is unavailable. */
  readonly portSetting: string;
  /** What is served, for the same error, such as "Health and metrics". */
  readonly purpose: string;
  /** Reads the certificate and its key from their files; without it, the server uses no TLS. */
  readonly certificate?: (() => ServerCertificate) | undefined;
  readonly logger: Logger;
  /** Answers a request. If it throws, the client gets status 500. */
  readonly answer: (request: IncomingMessage, response: ServerResponse) => Promise<void> | void;
  readonly clock?: Clock;
}

export interface HttpServer {
  readonly port: number;
  close(): Promise<void>;
}

/** How long a connection may be silent, in the middle of a response too. */
const IDLE_TIMEOUT_MS = 15_000;
const TLS_HANDSHAKE_TIMEOUT_MS = 5000;
/** Limits of one request. Node answers 431 to larger headers and 408 to a slower client. */
const LIMITS = {
  maxHeaderSize: 16_384,
  headersTimeout: 5000,
  requestTimeout: 10_000,
  keepAliveTimeout: 5000,
  connectionsCheckingInterval: 1000,
} as const satisfies ServerOptions;

/**
 * Serves HTTP, or HTTPS with a certificate, to clients that may be slow, broken or hostile: the headers, the time
 * and the number of connections are limited. A renewed certificate is used without a restart.
 *
 * Throws an OperatorError if the port cannot be opened or the certificate cannot be used.
 */
export async function startHttpServer(options: HttpServerOptions): Promise<HttpServer> {
  const { host, port, portSetting, purpose, logger, certificate, clock = systemClock } = options;
  const limited = new RateLimitedLog(logger);
  const connections = new ConnectionLimit(() => {
    limited.write(
      'warn',
      { event: 'http_connection_dropped', limit: MAX_CONNECTIONS },
      'too many HTTP connections; an idle one was closed',
      'dropped',
    );
  });
  const listener = (request: IncomingMessage, response: ServerResponse) => {
    response.once('close', connections.requested(request.socket));
    answerSafely(options, limited, request, response);
  };
  const { server, stopWatching } = createServerOf(certificate, listener, limited, clock);
  server.on('connection', (socket: Socket) => {
    connections.accepted(socket);
  });
  // Closes connections whose client does not read the response. LIMITS covers the others.
  server.setTimeout(IDLE_TIMEOUT_MS);
  if (certificate) {
    server.on('secureConnection', (socket: Socket) => {
      connections.secured(socket);
    });
  }
  server.listen(port, host);
  try {
    await once(server, 'listening');
  } catch (error) {
    stopWatching();
    throw new OperatorError(
      'HTTP_PORT_UNAVAILABLE',
      `${purpose} cannot be served on ${host}:${port}: ${describeError(error)}`,
      `set ${portSetting} to a free port, or to 0 for any`,
      { cause: error },
    );
  }
  // For instance, accepting a connection fails when no file descriptor is left. Without a listener, the
  // error would end the process.
  server.on('error', (error) => {
    limited.write(
      'warn',
      { event: 'http_error', error: describeError(error) },
      'the HTTP endpoint could not accept a connection',
      error.message,
    );
  });
  const address = server.address();
  return {
    port: typeof address === 'object' && address ? address.port : port,
    async close() {
      stopWatching();
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      // Those that have not completed the TLS handshake are no HTTP connections.
      connections.closeAll();
      await closed;
    },
  };
}

type Listener = (request: IncomingMessage, response: ServerResponse) => void;

function createServerOf(
  certificate: (() => ServerCertificate) | undefined,
  listener: Listener,
  log: RateLimitedLog,
  clock: Clock,
): { readonly server: Server; readonly stopWatching: () => void } {
  if (certificate === undefined) {
    return { server: createServer(LIMITS, listener), stopWatching: () => undefined };
  }
  const { first, watch } = watchCertificate(certificate, log, clock);
  const server = createTlsServer(
    {
      ...LIMITS,
      ...first,
      handshakeTimeout: TLS_HANDSHAKE_TIMEOUT_MS,
      requestCert: first.ca !== undefined,
      // Probes have no certificate. Whoever answers a request decides what it takes.
      rejectUnauthorized: false,
    },
    listener,
  );
  const stopWatching = watch((renewed) => {
    server.setSecureContext(renewed);
  });
  return { server, stopWatching };
}

/** An error of `answer` is a bug, or a file with a secret that cannot be read: it fails this request only. */
function answerSafely(
  { answer }: HttpServerOptions,
  log: RateLimitedLog,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  Promise.resolve()
    .then(() => answer(request, response))
    .catch((error: unknown) => {
      const described = describeError(error);
      log.write(
        'error',
        { event: 'http_request_failed', error: described },
        'an HTTP request failed',
        described,
      );
      // The cause may name hosts and files.
      if (response.headersSent) response.destroy();
      else sendJson(response, 500, { error: 'internal error; the log has the cause' });
    });
}

export function sendJson(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(`${JSON.stringify(body)}\n`);
}

/** The path of a request target, which need not be a valid URL nor begin with a slash. */
export const pathOf = (target: string | undefined): string =>
  (target ?? '/').split(/[?#]/)[0] ?? '';
