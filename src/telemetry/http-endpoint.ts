import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Registry } from 'prom-client';
import { describeError, OperatorError } from '../program/operator-error.ts';
import type { Logger } from './logger.ts';
import type { Health } from './health/health.ts';
import { createLogRateLimit } from './log-rate-limit.ts';

export interface HttpEndpointOptions {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** The setting that chooses the port, for the error when it is taken. */
  readonly portSetting: string;
  readonly health: Health;
  readonly logger: Logger;
  /** The text of `GET /metrics`. */
  readonly metrics: Pick<Registry, 'metrics' | 'contentType'>;
  /** What `POST /<name>` does, for whoever operates the program; answers with what it did. */
  readonly actions?: Readonly<Record<string, () => string>>;
}

export interface HttpEndpoint {
  readonly port: number;
  close(): Promise<void>;
}

/** More connections are closed at once: they would cost the program its file descriptors. */
const MAX_CONNECTIONS = 100;
const IDLE_TIMEOUT_MS = 15_000;
/** What a request may take. Node answers 431 to larger headers, 408 to a slower client. */
const LIMITS = {
  maxHeaderSize: 16_384,
  headersTimeout: 5000,
  requestTimeout: 10_000,
  keepAliveTimeout: 5000,
  connectionsCheckingInterval: 1000,
} as const;

/**
 * Health and metrics of one program over HTTP:
 * - `GET /livez`: 200, or 503 with the reasons by name as JSON when it makes no progress;
 * - `GET /readyz`: 200, or 503 with the reasons by name as JSON;
 * - `GET /metrics`: Prometheus text format;
 * - `POST /<action>`.
 *
 * Throws an OperatorError when the port cannot be had.
 */
export async function startHttpEndpoint(options: HttpEndpointOptions): Promise<HttpEndpoint> {
  const { host, port, portSetting, logger } = options;
  const server = createServer(LIMITS, (request, response) => {
    answer(options, request, response).catch((error: unknown) => {
      failed(response, error);
    });
  });
  server.maxConnections = MAX_CONNECTIONS;
  // Closes connections whose client does not read the answer; the others are bound by LIMITS.
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
  // Such as an accept that failed for lack of file descriptors; without a listener it would end the
  // process.
  const limit = createLogRateLimit();
  server.on('error', (error) => {
    if (limit.admit(error.message) === undefined) return;
    logger.warn(
      { event: 'http_error', error: describeError(error) },
      'the HTTP endpoint could not take a connection',
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

/** The path without its query. A target need not be a valid URL, nor begin with a slash. */
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
    if (request.method !== 'POST') json(response, 405, { error: `POST ${path} does it` });
    else json(response, 200, { done: action() });
  } else if (path === '/livez') {
    sendHealth(response, 'alive', health.liveness.reasons());
  } else if (path === '/readyz') {
    sendHealth(response, 'ready', health.readiness.reasons());
  } else if (path === '/metrics') {
    const text = await metrics.metrics();
    response.writeHead(200, { 'content-type': metrics.contentType }).end(text);
  } else {
    json(response, 404, { error: `there are /livez, /readyz and /metrics` });
  }
}

/** A part of the program could not answer: a fault of ours, which is the answer to this request only. */
function failed(response: ServerResponse, error: unknown): void {
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
