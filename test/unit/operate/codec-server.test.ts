import { randomBytes } from 'node:crypto';
import { defaultPayloadConverter } from '@temporalio/common';
import { payloadSettings } from '../../../src/config/payload-settings.ts';
import { startHttpServer, type HttpServer } from '../../../src/http/http-server.ts';
import { answerCodecRequest } from '../../../src/operate/codec-server/answer-codec-request.ts';
import type { CodecAccess } from '../../../src/operate/codec-server/codec-access.ts';
import { payloadsAsJson } from '../../../src/operate/codec-server/payload-json.ts';
import { silentLogger } from '../../../src/telemetry/logger.ts';
import { EncryptionCodec } from '../../../src/temporal/payload-codec.ts';
import { PayloadKeyRing } from '../../../src/temporal/payload-keys.ts';

const UI = 'https://temporal.example.org';
const TOKEN = 'a-token-of-some-length';

const codecWith = (id: string) => {
  const text = `${id}:${randomBytes(32).toString('base64')}`;
  const keys = payloadSettings.keys.schema.parse(text);
  return new EncryptionCodec(new PayloadKeyRing({ read: () => keys, encrypts: true }));
};
const codec = codecWith('here');
const open: HttpServer[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => server.close()));
});

/** Starts a server and returns a function that sends it requests. */
async function startCodecServer(access: Partial<CodecAccess> = {}) {
  const rules = { origins: [UI], token: () => TOKEN, hasTls: false, ...access };
  const server = await startHttpServer({
    ...{
      host: '127.0.0.1',
      port: 0,
      portSetting: 'CODEC_SERVER_PORT',
      purpose: 'The codec server',
    },
    logger: silentLogger(),
    answer: (request, response) => answerCodecRequest({ codec, access: rules }, request, response),
  });
  open.push(server);
  return (path: string, init: RequestInit = {}) =>
    fetch(`http://127.0.0.1:${server.port}${path}`, init);
}

const json = { 'content-type': 'application/json', 'x-namespace': 'default' };
const withToken = { ...json, authorization: `Bearer ${TOKEN}` };
const plain = [defaultPayloadConverter.toPayload({ customer_name: 'Ada' })];
const body = JSON.stringify(payloadsAsJson(plain));

async function encryptedBody(by = codec): Promise<string> {
  return JSON.stringify(payloadsAsJson(await by.encode(plain)));
}

test('encodes and decodes payloads, and decodes those that are not encrypted to themselves', async () => {
  const send = await startCodecServer();
  const encoded = await send('/encode', { method: 'POST', headers: withToken, body });
  expect(encoded.status).toBe(200);
  const text = await encoded.text();
  expect(text).not.toBe(body);
  const decoded = await send('/decode', { method: 'POST', headers: withToken, body: text });
  expect(await decoded.json()).toEqual(JSON.parse(body));
  const same = await send('/decode', { method: 'POST', headers: withToken, body });
  expect(await same.json()).toEqual(JSON.parse(body));
});

test('answers the preflight of the UI, and lets it send credentials', async () => {
  const send = await startCodecServer();
  const preflight = await send('/decode', {
    method: 'OPTIONS',
    headers: { origin: UI, 'access-control-request-method': 'POST' },
  });
  expect(preflight.status).toBe(204);
  const { headers } = preflight;
  expect(headers.get('access-control-allow-origin')).toBe(UI);
  expect(headers.get('access-control-allow-credentials')).toBe('true');
  for (const name of ['authorization', 'content-type', 'x-namespace']) {
    expect(headers.get('access-control-allow-headers')).toContain(name);
  }
});

test.each(['OPTIONS', 'POST'])('refuses %s of a page of another origin', async (method) => {
  const send = await startCodecServer();
  const { status, headers } = await send('/decode', {
    method,
    headers: { ...withToken, origin: 'https://elsewhere.example.org' },
    ...(method === 'POST' ? { body } : {}),
  });
  expect(status).toBe(403);
  expect(headers.get('access-control-allow-origin')).toBeNull();
});

test.each([
  ['no token', json],
  ['another token', { ...json, authorization: 'Bearer another-token-of-some-length' }],
  ['a cookie that was made up', { ...json, cookie: `codec_server=${TOKEN}` }],
])('refuses a request with %s', async (_, headers) => {
  const send = await startCodecServer();
  const answer = await send('/decode', { method: 'POST', headers, body: await encryptedBody() });
  expect(answer.status).toBe(401);
  expect(await answer.text()).not.toContain('Ada');
});

test('the page /login exchanges the token for a cookie, which is not the token', async () => {
  const send = await startCodecServer();
  expect(await (await send('/login')).text()).toContain('<form');
  const form = (token: string) => ({ method: 'POST', body: new URLSearchParams({ token }) });
  const wrong = await send('/login', form('another-token-of-some-length'));
  expect(wrong.status).toBe(401);
  expect(wrong.headers.get('set-cookie')).toBeNull();
  const right = await send('/login', form(TOKEN));
  const setCookie = right.headers.get('set-cookie') ?? '';
  expect(setCookie).toMatch(/HttpOnly; SameSite=Strict$/);
  expect(setCookie).not.toContain(TOKEN);
  const cookie = setCookie.split(';')[0] ?? '';
  const headers = { ...json, cookie, origin: UI };
  const decoded = await send('/decode', { method: 'POST', headers, body });
  expect(decoded.status).toBe(200);
});

test('without a token, everyone who reaches it may decode', async () => {
  const send = await startCodecServer({ token: undefined });
  expect((await send('/decode', { method: 'POST', headers: json, body })).status).toBe(200);
  expect((await send('/login')).status).toBe(404);
});

test('a payload that cannot be decoded is an error that names its key', async () => {
  const send = await startCodecServer();
  const unknown = await encryptedBody(codecWith('elsewhere'));
  const answer = await send('/decode', { method: 'POST', headers: withToken, body: unknown });
  expect(answer.status).toBe(400);
  expect(await answer.json()).toEqual({
    code: 'PAYLOAD_KEY_UNKNOWN',
    error: expect.stringContaining('"elsewhere"'),
  });
});

test.each([
  ['no JSON', 'text', json, 400],
  ['another JSON value', '{"payloads": 1}', json, 400],
  ['another content type', body, { 'content-type': 'text/plain' }, 415],
  ['too large a body', JSON.stringify({ payloads: [{ data: 'A'.repeat(9_000_000) }] }), json, 413],
])('refuses %s', async (_, text, headers, status) => {
  const send = await startCodecServer({ token: undefined });
  const answer = await send('/decode', { method: 'POST', headers, body: text });
  expect(answer.status).toBe(status);
  expect(await answer.json()).toEqual({ error: expect.any(String) });
});

test('other methods and paths are refused, and probes need no token', async () => {
  const send = await startCodecServer();
  expect((await send('/decode', { headers: withToken })).status).toBe(405);
  expect((await send('/metrics')).status).toBe(404);
  for (const path of ['/livez', '/readyz']) expect((await send(path)).status).toBe(200);
  expect((await send('/livez', { method: 'POST' })).status).toBe(405);
});
