import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { Registry } from 'prom-client';
import { describeError, OperatorError } from '../program/operator-error.ts';
import type { Readiness } from './readiness.ts';

export interface HttpEndpointOptions {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** The setting that chooses the port, for the error when it is taken. */
  readonly portSetting: string;
  readonly readiness: Readiness;
  /** Why the program makes no progress and had better be restarted, by name; empty while it does. */
  readonly stuck: () => Readonly<Record<string, string>>;
  /** The text of `GET /metrics`. */
  readonly metrics: Pick<Registry, 'metrics' | 'contentType'>;
  /** What `POST /<name>` does, for whoever operates the program; answers with what it did. */
  readonly actions?: Readonly<Record<string, () => string>>;
}

export interface HttpEndpoint {
  readonly port: number;
  close(): Promise<void>;
}

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
  const { host, port, portSetting, readiness, stuck, metrics, actions = {} } = options;
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? '/', 'http://localhost').pathname;
    const action = Object.hasOwn(actions, path.slice(1)) ? actions[path.slice(1)] : undefined;
    if (action) {
      if (request.method !== 'POST') json(response, 405, { error: `POST ${path} does it` });
      else json(response, 200, { done: action() });
    } else if (path === '/livez') {
      health(response, 'alive', stuck());
    } else if (path === '/readyz') {
      health(response, 'ready', readiness.reasons());
    } else if (path === '/metrics') {
      metrics.metrics().then(
        (text) => response.writeHead(200, { 'content-type': metrics.contentType }).end(text),
        (error: unknown) => {
          json(response, 500, { error: describeError(error) });
        },
      );
    } else {
      json(response, 404, { error: `there are /livez, /readyz and /metrics` });
    }
  });
  server.listen(port, host);
  try {
    await once(server, 'listening');
  } catch (error) {
    throw new OperatorError(
      `Health and metrics cannot be served on ${host}:${port}: ${describeError(error)}`,
      `set ${portSetting} to a free port, or to 0 for any`,
      { cause: error },
    );
  }
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

function health(
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
