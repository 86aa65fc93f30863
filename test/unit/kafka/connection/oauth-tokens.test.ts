import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { endpointTokens } from '../../../../src/kafka/connection/oauth-tokens.ts';
import { OperatorError } from '../../../../src/program/operator-error.ts';

interface Received {
  readonly method: string | undefined;
  readonly authorization: string;
  readonly form: URLSearchParams;
}

let server: Server;
let received: Received[];
let answer: (request: number) => { status: number; body: object | string };
let now = 0;
let secret = 'client secret/1';

beforeEach(async () => {
  received = [];
  now = 0;
  secret = 'client secret/1';
  answer = (request) => ({
    status: 200,
    body: { access_token: `token-${request}`, expires_in: 100 },
  });
  server = createServer((request, response) => {
    void respond(request).then(({ status, body }) => {
      response.writeHead(status).end(typeof body === 'string' ? body : JSON.stringify(body));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

async function respond(request: IncomingMessage) {
  received.push({
    method: request.method,
    authorization: request.headers.authorization ?? '',
    form: new URLSearchParams(await text(request)),
  });
  return answer(received.length);
}

const source = (timeoutMs = 5000) =>
  endpointTokens({
    endpoint: new URL(
      `http://127.0.0.1:${(server.address() as AddressInfo).port}/token?key=hidden`,
    ),
    clientId: 'bridge:1',
    clientSecret: () => secret,
    scope: 'kafka read',
    caFile: undefined,
    timeoutMs,
    now: () => now,
  });

test('a token is requested with the client credentials and the scope', async () => {
  expect(await source().token()).toBe('token-1');
  const [request] = received;
  expect(request?.method).toBe('POST');
  expect(
    Buffer.from(request?.authorization.slice('Basic '.length) ?? '', 'base64').toString(),
  ).toBe('bridge%3A1:client%20secret%2F1');
  expect(Object.fromEntries(request?.form ?? [])).toEqual({
    grant_type: 'client_credentials',
    scope: 'kafka read',
  });
});

test('a token is used for most of its lifetime, and concurrent logins share a request', async () => {
  const tokens = source();
  expect(await Promise.all([tokens.token(), tokens.token()])).toEqual(['token-1', 'token-1']);
  now = 79_000;
  expect(await tokens.token()).toBe('token-1');
  // Its expiry can have been rounded down to a whole second.
  now = 79_500;
  expect(await tokens.token()).toBe('token-2');
});

test('a rotated client secret is used for the next token', async () => {
  const tokens = source();
  await tokens.token();
  secret = 'rotated';
  now = 80_000;
  await tokens.token();
  expect(Buffer.from(received[1]?.authorization.slice(6) ?? '', 'base64').toString()).toContain(
    'rotated',
  );
});

test('a token that the broker rejects is not used again', async () => {
  const tokens = source();
  tokens.reject(await tokens.token());
  expect(await tokens.token()).toBe('token-2');
});

test('a token without a lifetime is used once', async () => {
  answer = (request) => ({ status: 200, body: { access_token: `token-${request}` } });
  const tokens = source();
  expect(await tokens.token()).toBe('token-1');
  expect(await tokens.token()).toBe('token-2');
});

async function failureOf(timeoutMs?: number): Promise<OperatorError> {
  const error: unknown = await source(timeoutMs)
    .token()
    .catch((thrown: unknown) => thrown);
  if (error instanceof OperatorError) return error;
  throw new Error('expected an OperatorError');
}

test.each([
  [
    'a rejected client',
    { status: 401, body: { error: 'invalid_client', error_description: 'Unknown\nclient' } },
    'invalid_client: Unknown client',
  ],
  ['an answer without a token', { status: 200, body: {} }, 'without a token'],
  ['a page of a proxy', { status: 502, body: '<html>' }, '502'],
])('%s is an error that names the endpoint and no secret', async (_, given, reason) => {
  answer = () => given;
  const { code, message } = await failureOf();
  expect(code).toBe('KAFKA_TOKEN_UNAVAILABLE');
  expect(message).toContain('/token');
  expect(message).toContain(reason);
  expect(message).not.toMatch(/client secret|hidden|\n/);
});

test('the request is repeated for the next login after a failure', async () => {
  answer = (request) =>
    request === 1
      ? { status: 503, body: '' }
      : { status: 200, body: { access_token: 'later', expires_in: 100 } };
  const tokens = source();
  await expect(tokens.token()).rejects.toThrow('503');
  expect(await tokens.token()).toBe('later');
});

test('an endpoint that does not answer is an error after the timeout', async () => {
  server.removeAllListeners('request');
  expect((await failureOf(100)).message).toContain('no answer within 100 ms');
});
