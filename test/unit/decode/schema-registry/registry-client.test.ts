import { once } from 'node:events';
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import http, { type RequestListener, type Server } from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createCertificates, KEY_PASSPHRASE } from '../../../../dev/stack/certificates.ts';
import { Secret } from '../../../../src/config/secret.ts';
import type { SchemaRegistrySettings } from '../../../../src/config/value-settings.ts';
import { RegistryClient } from '../../../../src/decode/schema-registry/registry-client.ts';
import { SchemaRegistry } from '../../../../src/decode/schema-registry/schema-registry.ts';
import { OperatorError } from '../../../../src/program/operator-error.ts';

let server: Server | undefined;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
  server = undefined;
});

const secret = (value: string) => new Secret(() => value);

const NO_SETTINGS = {
  ...{ username: undefined, password: undefined, token: undefined },
  ...{ caFile: undefined, certFile: undefined, keyFile: undefined },
  keyPassphrase: undefined,
  timeoutMs: 60_000,
};

/** A client of a server that answers like this. */
async function clientOf(listener: RequestListener, settings: Partial<SchemaRegistrySettings> = {}) {
  server = http.createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const url = new URL(`http://127.0.0.1:${port}/base/`);
  return new RegistryClient({ ...NO_SETTINGS, url, ...settings });
}

const answering = (status: number, body: unknown, headers = {}): RequestListener => {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return (_, response) => {
    response.writeHead(status, headers).end(text);
  };
};

const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'resolved',
    (error: unknown) => (error instanceof OperatorError ? error.code : error),
  );

test('reads a schema below the path of the URL; one without a type is Avro', async () => {
  const paths: (string | undefined)[] = [];
  const client = await clientOf((request, response) => {
    paths.push(request.url);
    answering(200, { schema: '"string"' })(request, response);
  });
  expect(await client.get('/schemas/ids/1')).toEqual({
    schema: '"string"',
    schemaType: 'AVRO',
    references: [],
  });
  expect(paths).toEqual(['/base/schemas/ids/1']);
});

test.each([
  [
    { username: 'me', password: secret('p:w') },
    `Basic ${Buffer.from('me:p:w').toString('base64')}`,
  ],
  [{ token: secret('abc') }, 'Bearer abc'],
  [{}, undefined],
])('authenticates with %j', async (settings, expected) => {
  let sent: string | undefined;
  const client = await clientOf((request, response) => {
    sent = request.headers.authorization;
    answering(200, { schema: '' })(request, response);
  }, settings);
  await client.get('/schemas/ids/1');
  expect(sent).toBe(expected);
});

test('only the answer of a registry says that a schema does not exist', async () => {
  const client = await clientOf(answering(404, { error_code: 40403, message: 'Schema not found' }));
  expect(await client.get('/schemas/ids/1')).toBeUndefined();
});

const PATH_NOT_FOUND = { error_code: 404, message: 'HTTP 404 Not Found' };

test('a bare 404 says that a schema does not exist if the URL is that of a registry', async () => {
  const paths: (string | undefined)[] = [];
  const client = await clientOf((request, response) => {
    paths.push(request.url);
    const isTypes = request.url === '/base/schemas/types';
    answering(isTypes ? 200 : 404, isTypes ? ['AVRO'] : PATH_NOT_FOUND)(request, response);
  });
  expect(await client.get('/schemas/ids/1')).toBeUndefined();
  expect(await client.get('/schemas/ids/2')).toBeUndefined();
  expect(paths).toEqual(['/base/schemas/ids/1', '/base/schemas/types', '/base/schemas/ids/2']);
});

test('a bare 404 for every path is an error that names SCHEMA_REGISTRY_URL, until it is a registry', async () => {
  let isRegistry = false;
  const client = await clientOf((request, response) => {
    const isTypes = isRegistry && request.url === '/base/schemas/types';
    answering(isTypes ? 200 : 404, isTypes ? ['AVRO'] : PATH_NOT_FOUND)(request, response);
  });
  await expect(client.get('/schemas/ids/1')).rejects.toMatchObject({
    code: 'SCHEMA_REGISTRY_FAILED',
    message: expect.stringContaining('SCHEMA_REGISTRY_URL'),
  });
  isRegistry = true;
  expect(await client.get('/schemas/ids/1')).toBeUndefined();
});

test('a bare 404 of a registry that then rejects the login is an error that may pass', async () => {
  const client = await clientOf((request, response) => {
    const isTypes = request.url === '/base/schemas/types';
    answering(isTypes ? 401 : 404, PATH_NOT_FOUND)(request, response);
  });
  expect(await codeOf(client.get('/schemas/ids/1'))).toBe('SCHEMA_REGISTRY_LOGIN_REJECTED');
});

const HTML = '<html><body>Not here</body></html>';

test.each<[string, RequestListener, string]>([
  ['a 404 of a proxy', answering(404, HTML), 'SCHEMA_REGISTRY_FAILED'],
  ['a 404 for a path', answering(404, PATH_NOT_FOUND), 'SCHEMA_REGISTRY_FAILED'],
  ['a 404 with another code', answering(404, { error_code: 40500 }), 'SCHEMA_REGISTRY_FAILED'],
  [
    'a 404 in JSON of another service',
    answering(404, { message: 'no route' }),
    'SCHEMA_REGISTRY_FAILED',
  ],
  ['HTML with status 200', answering(200, HTML), 'SCHEMA_REGISTRY_FAILED'],
  ['JSON that is no schema', answering(200, {}), 'SCHEMA_REGISTRY_FAILED'],
  [
    'a redirect',
    answering(302, '', { location: 'https://example.com/login' }),
    'SCHEMA_REGISTRY_FAILED',
  ],
  ['429', answering(429, {}), 'SCHEMA_REGISTRY_FAILED'],
  ['500', answering(500, { error_code: 50001 }), 'SCHEMA_REGISTRY_FAILED'],
  ['401', answering(401, {}), 'SCHEMA_REGISTRY_LOGIN_REJECTED'],
  ['403', answering(403, HTML), 'SCHEMA_REGISTRY_LOGIN_REJECTED'],
  ['a closed connection', (request) => request.socket.destroy(), 'SCHEMA_REGISTRY_UNREACHABLE'],
  [
    'a body that is cut off',
    (_, response) => {
      response.writeHead(200, { 'content-length': '100' }).write('{', () => response.destroy());
    },
    'SCHEMA_REGISTRY_UNREACHABLE',
  ],
])('%s is an error that may pass', async (_, listener, code) => {
  const client = await clientOf(listener);
  expect(await codeOf(client.get('/schemas/ids/1'))).toBe(code);
});

test('no answer in time is an error that may pass', async () => {
  const client = await clientOf(() => undefined, { timeoutMs: 100 });
  expect(await codeOf(client.get('/schemas/ids/1'))).toBe('SCHEMA_REGISTRY_UNREACHABLE');
});

test('an error names neither the password nor the token', async () => {
  const client = await clientOf(answering(401, {}), { username: 'me', password: secret('hidden') });
  const error: unknown = await client.get('/schemas/ids/1').catch((reason: unknown) => reason);
  expect(String(error)).not.toContain('hidden');
});

test('what a schema refers to is read with it, what is referred to first, and once', async () => {
  const reference = (name: string) => ({ name, subject: `${name} subject`, version: 3 });
  const schemas: Readonly<Record<string, unknown>> = {
    '/base/schemas/ids/1': { schema: 'main', references: [reference('a'), reference('b')] },
    '/base/subjects/a%20subject/versions/3?deleted=true': {
      schema: 'A',
      references: [reference('c')],
    },
    '/base/subjects/b%20subject/versions/3?deleted=true': {
      schema: 'B',
      references: [reference('c')],
    },
    '/base/subjects/c%20subject/versions/3?deleted=true': { schema: 'C' },
  };
  const client = await clientOf((request, response) => {
    answering(200, schemas[request.url ?? ''] ?? {})(request, response);
  });
  expect(await new SchemaRegistry(client).schema(1)).toEqual({
    type: 'AVRO',
    text: 'main',
    references: [
      { name: 'c', text: 'C' },
      { name: 'a', text: 'A' },
      { name: 'b', text: 'B' },
    ],
  });
});

test('references in a circle end', async () => {
  const client = await clientOf(
    answering(200, { schema: '', references: [{ name: 'a', subject: 'a', version: 1 }] }),
  );
  expect(await new SchemaRegistry(client).schema(1)).toMatchObject({
    references: [{ name: 'a', text: '' }],
  });
});

describe('over TLS', () => {
  let dir: string;
  beforeAll(async () => {
    dir = mkdtempSync(path.join(tmpdir(), 'registry-tls-'));
    await createCertificates(dir);
  });
  afterAll(() => {
    rmSync(dir, { recursive: true });
  });

  const file = (name: string) => path.join(dir, name);
  const certificateOf = (name: string) => ({
    certFile: file(`${name}.crt`),
    keyFile: file(`${name}.key`),
  });
  const KNOWN = () => ({ caFile: file('ca.crt'), ...certificateOf('client-bridge') });

  /** A client of a registry with this certificate, which demands one of its clients. */
  async function clientOver(settings: Partial<SchemaRegistrySettings>, certificate = 'server') {
    const tls = https.createServer(
      {
        key: readFileSync(file(`${certificate}.key`)),
        cert: readFileSync(file(`${certificate}.crt`)),
        ...{ ca: readFileSync(file('ca.crt')), requestCert: true },
      },
      answering(200, { schema: '' }),
    );
    server = tls.listen(0, '127.0.0.1');
    await once(tls, 'listening');
    const url = new URL(`https://127.0.0.1:${(tls.address() as AddressInfo).port}`);
    return new RegistryClient({ ...NO_SETTINGS, url, ...settings });
  }

  test.each<[string, () => Partial<SchemaRegistrySettings>, string]>([
    ['a client certificate', KNOWN, 'server'],
    [
      'a key with a passphrase',
      () => ({
        ...{ ...KNOWN(), ...certificateOf('client-passphrase') },
        keyPassphrase: secret(KEY_PASSPHRASE),
      }),
      'server',
    ],
  ])('a schema is read with %s', async (_, settings, certificate) => {
    const client = await clientOver(settings(), certificate);
    expect(await codeOf(client.get('/schemas/ids/1'))).toBe('resolved');
  });

  test.each<[string, string, () => Partial<SchemaRegistrySettings>, string]>([
    ['an unknown authority', 'server', () => certificateOf('client-bridge'), 'CA_FILE'],
    ['an expired certificate', 'expired', KNOWN, 'renew'],
    ['a certificate for another host', 'wrong-name', KNOWN, 'SCHEMA_REGISTRY_URL'],
    ['no client certificate', 'server', () => ({ caFile: file('ca.crt') }), 'CERT_FILE'],
    [
      'an expired client certificate',
      'server',
      () => ({ ...KNOWN(), ...certificateOf('client-expired') }),
      'CERT_FILE',
    ],
    [
      'a client certificate of another authority',
      'server',
      () => ({ ...KNOWN(), ...certificateOf('client-other-ca') }),
      'CERT_FILE',
    ],
  ])('%s is named with a fix', async (_, certificate, settings, fix) => {
    const client = await clientOver(settings(), certificate);
    await expect(client.get('/schemas/ids/1')).rejects.toMatchObject({
      code: 'SCHEMA_REGISTRY_UNREACHABLE',
      fix: expect.stringContaining(fix),
    });
  });

  test('a registry without TLS is named with a fix', async () => {
    server = http.createServer(answering(200, {})).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = new URL(`https://127.0.0.1:${(server.address() as AddressInfo).port}`);
    await expect(new RegistryClient({ ...NO_SETTINGS, url }).get('/')).rejects.toMatchObject({
      fix: expect.stringContaining('http://'),
    });
  });

  test('certificates are read again for each request', async () => {
    const install = (name: string) => {
      for (const extension of ['crt', 'key']) {
        copyFileSync(file(`${name}.${extension}`), file(`rotated.${extension}`));
      }
    };
    install('client-expired');
    const client = await clientOver({ ...KNOWN(), ...certificateOf('rotated') });
    expect(await codeOf(client.get('/schemas/ids/1'))).toBe('SCHEMA_REGISTRY_UNREACHABLE');
    install('client-bridge');
    expect(await codeOf(client.get('/schemas/ids/1'))).toBe('resolved');
  });

  test.each<[string, () => Partial<SchemaRegistrySettings>, string]>([
    ['that cannot be read', () => ({ caFile: file('missing.pem') }), 'FILE_UNREADABLE'],
    ['that is not PEM', () => ({ caFile: file('ca.key') }), 'FILE_NOT_PEM'],
    [
      'whose passphrase is missing',
      () => certificateOf('client-passphrase'),
      'SCHEMA_REGISTRY_UNREACHABLE',
    ],
  ])('a file %s is an error at the start', (_, settings, code) => {
    const url = new URL('https://127.0.0.1');
    let error: unknown;
    try {
      new RegistryClient({ ...NO_SETTINGS, url, ...settings() });
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toMatchObject({ code });
  });
});

test('a rotated password is used for the next request', async () => {
  let password = 'old';
  const client = await clientOf(
    (request, response) => {
      const isRight = request.headers.authorization === `Basic ${btoa('me:new')}`;
      response.writeHead(isRight ? 200 : 401).end(JSON.stringify({ schema: '' }));
    },
    { username: 'me', password: new Secret(() => password) },
  );
  expect(await codeOf(client.get('/schemas/ids/1'))).toBe('SCHEMA_REGISTRY_LOGIN_REJECTED');
  password = 'new';
  expect(await codeOf(client.get('/schemas/ids/1'))).toBe('resolved');
});
