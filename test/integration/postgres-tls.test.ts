import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { issueCertificate } from '../../dev/stack/certificates.ts';
import { CERTIFICATE_DATABASE } from '../../dev/stack/secured-postgres.ts';
import { databaseUrlMistake } from '../../src/config/database-url.ts';
import { createConnector } from '../../src/postgres/connect.ts';
import { OperatorError } from '../../src/program/operator-error.ts';
import { eventually, FinalError } from '../support/eventually.ts';
import { startSecuredPostgres, type SecuredPostgres } from '../support/secured-postgres.ts';
import { stackAddress } from '../support/stack.ts';

/** Connections to a Postgres that accepts TLS only, with every `sslmode` and every kind of certificate. */
let server: SecuredPostgres;
beforeAll(async () => {
  server = await startSecuredPostgres();
});
afterAll(() => server.remove());
afterEach(() => server.useServerCertificate('server'));

const file = (name: string) => path.join(server.certificates, name);
const certificateOf = (name: string) => ({
  sslcert: file(`${name}.crt`),
  sslkey: file(`${name}.key`),
});
const verified = (mode = 'verify-full', ca = 'ca.crt') => ({
  sslmode: mode,
  sslrootcert: file(ca),
});

/** The version of TLS, the common name of the client, and the user of a connection with this URL. */
async function connect(url: string) {
  // What the settings would reject says nothing about a connection.
  expect(databaseUrlMistake(url)).toBeUndefined();
  const { client } = await createConnector({ url, connectTimeoutMs: 60_000 })();
  try {
    const { rows } = await client.query<{ tls: string | null; certificate: string | null }>(
      `SELECT version AS tls, client_dn AS certificate FROM pg_stat_ssl WHERE pid = pg_backend_pid()`,
    );
    return rows[0];
  } finally {
    await client.end();
  }
}

const TLS = { tls: expect.stringMatching(/^TLSv1\.[23]$/), certificate: null };

describe('a connection is opened', () => {
  test.each<[string, () => Record<string, string>]>([
    ['without sslmode, as prefer is the default', () => ({})],
    ['prefer', () => ({ sslmode: 'prefer' })],
    ['allow, in the second attempt', () => ({ sslmode: 'allow' })],
    ['require', () => ({ sslmode: 'require' })],
    ['require with a CA', () => verified('require')],
    ['verify-ca', () => verified('verify-ca')],
    ['verify-full', () => verified()],
    ['direct negotiation', () => ({ ...verified(), sslnegotiation: 'direct' })],
  ])('%s', async (_, parameters) => {
    expect(await connect(server.url({ parameters: parameters() }))).toEqual(TLS);
  });

  test('with prefer and without TLS, if the server offers none', async () => {
    expect(await connect(stackAddress('DATABASE_URL'))).toEqual({ tls: null, certificate: null });
  });

  test('with require, whatever the certificate of the server', async () => {
    for (const name of ['expired', 'wrong-name', 'server-other-ca']) {
      await server.useServerCertificate(name);
      const url = server.url({ parameters: { sslmode: 'require' } });
      expect(await connect(url)).toEqual(TLS);
    }
  });

  test('with verify-ca and a certificate for another host', async () => {
    await server.useServerCertificate('wrong-name');
    expect(await connect(server.url({ parameters: verified('verify-ca') }))).toEqual(TLS);
  });

  test('with a client certificate, and with one whose key has a passphrase', async () => {
    const passphrase = 'p a%ss&word';
    await issueCertificate(server.certificates, {
      name: 'client-encrypted',
      commonName: 'reader',
      passphrase,
    });
    for (const [role, extra] of [
      ['worker', certificateOf('client-worker')],
      ['reader', { ...certificateOf('client-encrypted'), sslpassword: passphrase }],
    ] as const) {
      const parameters = { ...verified(), ...extra };
      const url = server.url({ role, database: CERTIFICATE_DATABASE, parameters });
      expect(await connect(url)).toEqual({ ...TLS, certificate: `/CN=${role}` });
    }
  });
});

describe('a fault is one error with its cause and a fix', () => {
  const FAILED = 'DATABASE_TLS_FAILED';
  const REJECTED = 'DATABASE_LOGIN_REJECTED';

  async function errorOf(url: string) {
    return connect(url).then(
      () => {
        throw new Error('connected');
      },
      (error: unknown) => error,
    );
  }

  /** A reset may come before the reason for which Postgres rejects a client certificate. */
  const errorOfClient = (url: string) =>
    eventually(async () => {
      const error = await errorOf(url);
      if (!(error instanceof OperatorError) || error.code !== 'DATABASE_UNREACHABLE') return error;
      if (!error.fix.includes('certificate of sslcert')) throw new FinalError(error.fix);
      throw error;
    });

  test.each<[string, string, string, () => Record<string, string>, string]>([
    ['expired', 'verify-full', FAILED, verified, 'has expired'],
    ['expired', 'verify-ca', FAILED, () => verified('verify-ca'), 'has expired'],
    ['wrong-name', 'verify-full', FAILED, verified, 'kafka.example.org'],
    ['server-other-ca', 'verify-full', FAILED, verified, 'no trusted authority'],
    [
      'server',
      'another CA',
      FAILED,
      () => verified('require', 'other-ca.crt'),
      'no trusted authority',
    ],
    [
      'server',
      'sslrootcert=system',
      FAILED,
      () => ({ sslrootcert: 'system' }),
      'no trusted authority',
    ],
    ['server', 'disable', REJECTED, () => ({ sslmode: 'disable' }), 'no encryption'],
  ])('%s with %s', async (certificate, _, code, parameters, reason) => {
    await server.useServerCertificate(certificate);
    const error = await errorOf(server.url({ parameters: parameters() }));
    expect(error).toMatchObject({ code, message: expect.stringContaining(reason) });
    expect(error).toMatchObject({ fix: expect.stringMatching(/ssl|certificate/) });
  });

  test.each<[string, string, () => Record<string, string>, RegExp]>([
    ['no client certificate', REJECTED, () => ({}), /valid client certificate/],
    ['one of another role', REJECTED, () => certificateOf('client-reader'), /user "worker"/],
    ['an expired one', FAILED, () => certificateOf('client-expired'), /rejects the client certif/],
    [
      'one of another CA',
      FAILED,
      () => certificateOf('client-other-ca'),
      /rejects the client certif/,
    ],
    ['no passphrase', FAILED, () => certificateOf('client-passphrase'), /passphrase is wrong/],
    [
      'a wrong passphrase',
      FAILED,
      () => ({ ...certificateOf('client-passphrase'), sslpassword: 'x' }),
      /passphrase is wrong/,
    ],
    [
      'the key of another certificate',
      FAILED,
      () => ({ ...certificateOf('client-worker'), sslkey: file('client-bridge.key') }),
      /does not belong/,
    ],
    [
      'a missing file',
      'FILE_UNREADABLE',
      () => ({ ...certificateOf('client-worker'), sslkey: '/none' }),
      /sslkey in DATABASE_URL/,
    ],
    [
      'no PEM',
      'FILE_NOT_PEM',
      () => ({ ...certificateOf('client-worker'), sslcert: file('client-worker.key') }),
      /sslcert in DATABASE_URL/,
    ],
  ])('a client with %s', async (_, code, certificate, reason) => {
    const parameters = { ...verified(), ...certificate() };
    const url = server.url({ role: 'worker', database: CERTIFICATE_DATABASE, parameters });
    const error = await errorOfClient(url);
    expect(error).toMatchObject({ code, message: expect.stringMatching(reason) });
    expect(error).toMatchObject({ fix: expect.stringMatching(/ssl|PEM/) });
  });

  test('a server without TLS', async () => {
    const url = `${stackAddress('DATABASE_URL')}?sslmode=require`;
    expect(await errorOf(url)).toMatchObject({
      code: FAILED,
      message: expect.stringContaining('does not offer TLS'),
      fix: expect.stringContaining('sslmode=disable'),
    });
  });

  test('a wrong password', async () => {
    const error = await errorOf(server.url({ password: 'hunter2', parameters: verified() }));
    expect(error).toMatchObject({ code: REJECTED });
    expect(JSON.stringify(error) + String(error)).not.toContain('hunter2');
  });
});

test('certificates are read again for each connection', async () => {
  const paths = { sslcert: file('rotated.crt'), sslkey: file('rotated.key') };
  const install = (name: string) => {
    for (const extension of ['crt', 'key']) {
      writeFileSync(file(`rotated.${extension}`), readFileSync(file(`${name}.${extension}`)));
    }
  };
  install('client-expired');
  const url = server.url({
    ...{ role: 'worker', database: CERTIFICATE_DATABASE, parameters: { ...verified(), ...paths } },
  });
  const open = createConnector({ url, connectTimeoutMs: 60_000 });
  // A reset may come first: see `errorOfClient`.
  await eventually(() => expect(open()).rejects.toMatchObject({ code: 'DATABASE_TLS_FAILED' }));
  install('client-worker');
  await (await open()).client.end();
});
