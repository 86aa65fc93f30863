import type { IncomingMessage, ServerResponse } from 'node:http';
import { pathOf, sendJson } from '../../http/http-server.ts';
import { OperatorError } from '../../program/operator-error.ts';
import type { EncryptionCodec } from '../../temporal/payload-codec.ts';
import {
  isAllowedOrigin,
  isAuthorized,
  isToken,
  LOGIN_HOURS,
  loginCookie,
  type CodecAccess,
} from './codec-access.ts';
import { parsePayloads, payloadsAsJson } from './payload-json.ts';

/** More than Temporal returns in one answer: 4 MiB, as base64. */
const MAX_BODY_BYTES = 8 * 1024 * 1024;
/** A token and its form. */
const MAX_LOGIN_BYTES = 4096;
const PREFLIGHT_SECONDS = 600;

/** The headers that the Temporal Web UI sends. */
const ALLOWED_HEADERS = 'authorization, authorization-extras, content-type, x-namespace';

export interface CodecRequestOptions {
  readonly codec: EncryptionCodec;
  readonly access: CodecAccess;
}

/**
 * Answers a request to the codec server:
 * - `POST /encode` and `POST /decode`: the payloads of the body, encoded or decoded. A payload that cannot be decoded
 *   is an error that names its key;
 * - `OPTIONS` of both: what a web page may send (CORS);
 * - `GET /login`: a form for the token; `POST /login` answers it with a cookie;
 * - `GET /livez`, and `GET /readyz`: 503 while the file with the keys cannot be read.
 */
export async function answerCodecRequest(
  { codec, access }: CodecRequestOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  response.setHeader('cache-control', 'no-store');
  response.setHeader('x-content-type-options', 'nosniff');
  const path = pathOf(request.url);
  if (path === '/encode' || path === '/decode') {
    await answerCoding(path, { codec, access }, request, response);
  } else if (path === '/login' && access.token) {
    await answerLogin(access, access.token, request, response);
  } else if (path === '/livez' || path === '/readyz') {
    if (!['GET', 'HEAD'].includes(request.method ?? '')) refuse(response, 405, `use GET ${path}`);
    else if (path === '/readyz' && codec.keys.readProblem() !== undefined) {
      sendJson(response, 503, { status: 'not ready' });
    } else sendJson(response, 200, { status: path === '/livez' ? 'alive' : 'ready' });
  } else {
    refuse(response, 404, 'not found; available: POST /encode, POST /decode, /livez, /readyz');
  }
}

async function answerCoding(
  path: '/encode' | '/decode',
  { codec, access }: CodecRequestOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { headers, method } = request;
  response.setHeader('vary', 'origin');
  if (!isAllowedOrigin(request, access)) {
    const problem = `pages of ${headers.origin ?? ''} are not allowed (CODEC_SERVER_ORIGINS)`;
    refuse(response, 403, problem);
    return;
  }
  if (headers.origin !== undefined) {
    response.setHeader('access-control-allow-origin', headers.origin);
    response.setHeader('access-control-allow-credentials', 'true');
  }
  if (method === 'OPTIONS') answerPreflight(request, response);
  else if (method !== 'POST') refuse(response, 405, `use POST ${path}`);
  else if (!/^application\/json *(?:;|$)/i.test(headers['content-type'] ?? '')) {
    refuse(response, 415, 'expected the header "content-type: application/json"');
  } else if (!isAuthorized(request, access)) {
    response.setHeader('www-authenticate', 'Bearer');
    refuse(response, 401, 'expected "authorization: Bearer TOKEN", or the cookie of /login');
  } else {
    const text = await readBody(request, MAX_BODY_BYTES);
    if (text === undefined) refuseTooLarge(response);
    else await answerPayloads(path, codec, text, response);
  }
}

async function answerPayloads(
  path: '/encode' | '/decode',
  codec: EncryptionCodec,
  text: string,
  response: ServerResponse,
): Promise<void> {
  const payloads = parsePayloads(text);
  if (!payloads) {
    refuse(response, 400, 'expected a JSON object {"payloads": [{"metadata": {…}, "data": "…"}]}');
    return;
  }
  try {
    const result = await (path === '/encode' ? codec.encode(payloads) : codec.decode(payloads));
    sendJson(response, 200, payloadsAsJson(result));
  } catch (error) {
    if (!(error instanceof OperatorError)) throw error;
    sendJson(response, 400, { code: error.code, error: error.message });
  }
}

function answerPreflight({ headers }: IncomingMessage, response: ServerResponse): void {
  response.writeHead(204, {
    'access-control-allow-methods': 'POST',
    'access-control-allow-headers': ALLOWED_HEADERS,
    'access-control-max-age': String(PREFLIGHT_SECONDS),
    // Chromium asks for it when a public page calls a server in a private network.
    ...(headers['access-control-request-private-network'] === 'true'
      ? { 'access-control-allow-private-network': 'true' }
      : {}),
  });
  response.end();
}

async function answerLogin(
  access: CodecAccess,
  token: () => string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (request.method === 'GET' || request.method === 'HEAD') {
    sendPage(response, 200, FORM);
    return;
  }
  if (request.method !== 'POST') {
    refuse(response, 405, 'use GET or POST /login');
    return;
  }
  const text = await readBody(request, MAX_LOGIN_BYTES);
  if (text === undefined) {
    refuseTooLarge(response);
    return;
  }
  const given = new URLSearchParams(text).get('token')?.trim() ?? '';
  if (isToken(given, token)) {
    response.setHeader('set-cookie', loginCookie(access, given));
    sendPage(response, 200, `<p>This browser may decode payloads for ${LOGIN_HOURS} hours.</p>`);
  } else {
    sendPage(response, 401, `<p>This is not the token.</p>${FORM}`);
  }
}

const FORM =
  '<form method="post"><label>Token (CODEC_SERVER_TOKEN) <input type="password" name="token" autofocus></label> <button>Log in</button></form>';

function sendPage(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy':
      "default-src 'none'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  });
  response.end(
    `<!doctype html><html lang="en"><title>Codec server of order-ingest</title>${body}</html>\n`,
  );
}

/** The body as text; undefined if it has more bytes. */
async function readBody(request: IncomingMessage, maxBytes: number): Promise<string | undefined> {
  if (Number(request.headers['content-length'] ?? 0) > maxBytes) return undefined;
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of request) {
    if (!Buffer.isBuffer(part)) continue;
    bytes += part.length;
    if (bytes > maxBytes) return undefined;
    parts.push(part);
  }
  return Buffer.concat(parts).toString();
}

/** Closes the connection: the rest of the body is not read. */
function refuseTooLarge(response: ServerResponse): void {
  response.setHeader('connection', 'close');
  refuse(response, 413, `the body has more than ${MAX_BODY_BYTES} bytes`);
}

function refuse(response: ServerResponse, status: number, error: string): void {
  sendJson(response, status, { error });
}
