import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Registry } from 'prom-client';
import type { Health } from '../telemetry/health/health.ts';
import { isTrusted, needsCredential, refusalOf, type AccessRules } from './access.ts';
import {
  pathOf,
  sendJson,
  startHttpServer,
  type HttpServer,
  type HttpServerOptions,
} from './http-server.ts';
import { reuseText } from './reuse-text.ts';

export interface HealthEndpointOptions extends Omit<HttpServerOptions, 'purpose' | 'answer'> {
  readonly health: Health;
  readonly access: AccessRules;
  /** What `GET /metrics` serves. */
  readonly metrics: Pick<Registry, 'metrics' | 'contentType'>;
  /** Actions for operators: `POST /<name>` runs one, which returns a description of what it did. */
  readonly actions?: Readonly<Record<string, () => string>>;
}

/**
 * Serves the health and metrics of one program over HTTP:
 * - `GET /livez`: 200, or 503 and the reasons as JSON if the program should be restarted;
 * - `GET /readyz`: 200, or 503 and the reasons as JSON if the program cannot work now;
 * - `GET /metrics`: metrics in Prometheus' text format;
 * - `POST /<action>`: runs an action.
 *
 * Anyone may see whether the program is alive and ready, because probes have no credentials. Reasons name servers
 * and users: they are for trusted clients only (access.ts), as are actions and, with a token, the metrics.
 *
 * Throws an OperatorError if the port cannot be opened or the certificate cannot be used.
 */
export function startHealthEndpoint(options: HealthEndpointOptions): Promise<HttpServer> {
  const metrics = reuseText(() => options.metrics.metrics(), options.clock);
  return startHttpServer({
    ...options,
    purpose: 'Health and metrics',
    answer: (request, response) => answer(options, metrics, request, response),
  });
}

const READ_METHODS = 'GET, HEAD';

async function answer(
  { health, access, metrics: { contentType }, actions = {} }: HealthEndpointOptions,
  metrics: () => Promise<string>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const path = pathOf(request.url);
  const name = path.startsWith('/') ? path.slice(1) : '';
  const action = Object.hasOwn(actions, name) ? actions[name] : undefined;
  if (action) {
    runAction(action, path, access, request, response);
  } else if (!PATHS.includes(path)) {
    sendJson(response, 404, { error: `not found; available: ${PATHS.join(', ')}` });
  } else if (!READ_METHODS.includes(request.method ?? '')) {
    sendJson(response, 405, { error: `use GET ${path}` }, { allow: READ_METHODS });
  } else if (path !== '/metrics') {
    sendHealth(response, path, health, () => isTrusted(request, access));
  } else if (needsCredential(access) && !isTrusted(request, access)) {
    sendUnauthorized(response, 'expected the header "authorization: Bearer TOKEN"');
  } else {
    const text = await metrics();
    response.writeHead(200, { 'content-type': contentType }).end(text);
  }
}

const PATHS: readonly string[] = ['/livez', '/readyz', '/metrics'];

function runAction(
  action: () => string,
  path: string,
  access: AccessRules,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  if (request.method !== 'POST') {
    sendJson(response, 405, { error: `use POST ${path}` }, { allow: 'POST' });
    return;
  }
  const refusal = refusalOf(request, access);
  if (refusal?.status === 401) sendUnauthorized(response, refusal.error);
  else if (refusal) sendJson(response, refusal.status, { error: refusal.error });
  else sendJson(response, 200, { done: action() });
}

function sendUnauthorized(response: ServerResponse, error: string): void {
  sendJson(response, 401, { error }, { 'www-authenticate': 'Bearer' });
}

/** @param isTrusted called only if there is something to hide */
function sendHealth(
  response: ServerResponse,
  path: string,
  { liveness, readiness }: Health,
  isTrusted: () => boolean,
): void {
  const [status, conditions] = path === '/livez' ? ['alive', liveness] : ['ready', readiness];
  const reasons = conditions.reasons();
  if (Object.keys(reasons).length === 0) sendJson(response, 200, { status });
  else if (isTrusted()) sendJson(response, 503, { status: `not ${status}`, reasons });
  else sendJson(response, 503, { status: `not ${status}`, hint: HIDDEN });
}

const HIDDEN =
  'the reasons are shown on the host of the program, or to clients with its token or a client certificate';
