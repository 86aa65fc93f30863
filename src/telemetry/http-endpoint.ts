import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Registry } from 'prom-client';
import { describeError, OperatorError } from '../program/operator-error.ts';
import type { Logger } from './logger.ts';
import type { Health } from './health/health.ts';
import { RateLimitedLog } from './rate-limited-log.ts';

export interface HttpEndpointOptions {
  readonly host: string;
  /** 0 opens any free port. */
  readonly port: number;
  /** Name of the setting for the port, for the error if the port is unavailable. */
  readonly portSetting: string;
  readonly health: Health;
  readonly logger: Logger;
  /** What `GET /metrics` serves. */
  readonly metrics: Pick<Registry, 'metrics' | 'contentType'>;
  /** Actions for operators: `POST /<name>` runs one, which returns a description of what it did. */
  readonly actions?: Readonly<Record<string, () => string>>;
}

export interface HttpEndpoint {
  readonly port: number;
  close(): Promise<void>;
}

/** Connections beyond this number are closed at once, so that they cannot exhaust the file descriptors. */
const MAX_CONNECTIONS = 100;
const IDLE_TIMEOUT_MS = 15_000;
/** Limits of one request. Node answers 431 to larger headers and 408 to a slower client. */
const LIMITS = {
  maxHeaderSize: 16_384,
  headersTimeout: 5000,
  requestTimeout: 10_000,
  keepAliveTimeout: 5000,
  connectionsCheckingInterval: 1000,
} as const;

/**
 * Serves the health and metrics of one program over HTTP:
 * - `GET /livez`: 200, or 503 and the reasons as JSON if the program should be restarted;
 * - `GET /readyz`: 200, or 503 and the reasons as JSON if the program cannot work now;
 * - `GET /metrics`: metrics in Prometheus' text format;
 * - `POST /<action>`: runs an action.
 *
 * Throws an OperatorError if the port cannot be opened.
 */
export async function startHttpEndpoint(options: HttpEndpointOptions): Promise<HttpEndpoint> {
  const { host, port, portSetting, logger } = options;
  const server = createServer(LIMITS, (request, response) => {
    answer(options, request, response).catch((error: unknown) => {
      sendError(response, error);
    });
  });
  server.maxConnections = MAX_CONNECTIONS;
  // Closes connections whose client does not read the response. LIMITS covers the others.
  server.setTimeout(IDLE_TIMEOUT_MS);
  server.listen(port, host);
  try {
    await once(server, 'listening');
  } catch (error) {
    throw new OperatorError(
      'HTTP_PORT_UNAVAILABLE',
      `Health and metrics cannot be served on ${host}:${port}: ${describeError(error)}`,
      `set ${portSetting} to a free port, or to 0 for any`,
      { cause: error },
    );
  }
  // For instance, accepting a connection fails when no file descriptor is left. Without a listener, the
  // error would end the process.
  const limited = new RateLimitedLog(logger);
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
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

/** The path of a request target, which need not be a valid URL nor begin with a slash. */
export const pathOf = (target: string | undefined): string =>
  (target ?? '/').split(/[?#]/)[0] ?? '';

async function answer(
  { health, metrics, actions = {} }: HttpEndpointOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const path = pathOf(request.url);
  const name = path.startsWith('/') ? path.slice(1) : '';
  const action = Object.hasOwn(actions, name) ? actions[name] : undefined;
  if (action) {
    if (request.method !== 'POST') json(response, 405, { error: `use POST ${path}` });
    else json(response, 200, { done: action() });
  } else if (path === '/livez') {
    sendHealth(response, 'alive', health.liveness.reasons());
  } else if (path === '/readyz') {
    sendHealth(response, 'ready', health.readiness.reasons());
  } else if (path === '/metrics') {
    const text = await metrics.metrics();
    response.writeHead(200, { 'content-type': metrics.contentType }).end(text);
  } else {
    json(response, 404, { error: 'not found; available: /livez, /readyz, /metrics' });
  }
}

/** Part of the program threw: a bug, which fails this request only. */
function sendError(response: ServerResponse, error: unknown): void {
  if (response.headersSent) response.destroy();
  else json(response, 500, { error: describeError(error) });
}

function sendHealth(
  response: ServerResponse,
  status: string,
  reasons: Readonly<Record<string, string>>,
): void {
  if (Object.keys(reasons).length === 0) json(response, 200, { status });
  else json(response, 503, { status: `not ${status}`, reasons });
}

function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(`${JSON.stringify(body)}\n`);
}
