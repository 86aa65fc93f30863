import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createCertificates } from '../../../dev/stack/certificates.ts';
import { OperatorError } from '../../../src/program/operator-error.ts';
import { readConnectionSettings } from '../../../src/temporal/connection-settings.ts';

const dir = mkdtempSync(path.join(tmpdir(), 'connection-settings-'));
const file = (name: string) => path.join(dir, name);
const text = (name: string) => readFileSync(file(name), 'utf8');
beforeAll(() => createCertificates(dir));
afterAll(() => {
  rmSync(dir, { recursive: true });
});

/** A home without a temporal.toml. */
const HOME = { HOME: dir };
const read = (env: Record<string, string>) => readConnectionSettings({ ...HOME, ...env });
const CLIENT = {
  TEMPORAL_TLS_CLIENT_CERT_PATH: file('client-bridge.crt'),
  TEMPORAL_TLS_CLIENT_KEY_PATH: file('client-bridge.key'),
};

const profile = (lines: readonly string[]): Record<string, string> => {
  writeFileSync(file('temporal.toml'), lines.join('\n'));
  return { TEMPORAL_CONFIG_FILE: file('temporal.toml') };
};

test('certificates come from files, from variables, and from a profile', () => {
  const expected = {
    serverName: 'temporal.example.org',
    serverCa: { text: text('ca.crt') },
    client: {
      certificate: { text: text('client-bridge.crt') },
      key: { text: text('client-bridge.key') },
    },
  };
  const files = read({
    ...CLIENT,
    TEMPORAL_TLS_SERVER_CA_CERT_PATH: file('ca.crt'),
    TEMPORAL_TLS_SERVER_NAME: 'temporal.example.org',
  });
  expect(files.tls).toMatchObject(expected);
  const data = read({
    TEMPORAL_TLS_CLIENT_CERT_DATA: text('client-bridge.crt'),
    TEMPORAL_TLS_CLIENT_KEY_DATA: text('client-bridge.key'),
    TEMPORAL_TLS_SERVER_CA_CERT_DATA: text('ca.crt'),
    TEMPORAL_TLS_SERVER_NAME: 'temporal.example.org',
  });
  expect(data.tls).toMatchObject(expected);
  const toml = profile([
    '[profile.staging]',
    'address = "temporal.example.org:7233"',
    'namespace = "orders"',
    'grpc_meta = { "x-team" = "orders" }',
    '[profile.staging.tls]',
    `client_cert_path = "${file('client-bridge.crt')}"`,
    `client_key_path = "${file('client-bridge.key')}"`,
    `server_ca_cert_path = "${file('ca.crt')}"`,
    'server_name = "temporal.example.org"',
  ]);
  expect(read({ ...toml, TEMPORAL_PROFILE: 'staging' })).toMatchObject({
    address: 'temporal.example.org:7233',
    namespace: 'orders',
    metadata: { 'x-team': 'orders' },
    tls: expected,
  });
});

test.each([
  ['nothing', {}, false],
  ['true', { TEMPORAL_TLS: 'true' }, true],
  ['1', { TEMPORAL_TLS: '1' }, true],
  ['false', { TEMPORAL_TLS: 'false' }, false],
  ['0 with an API key', { TEMPORAL_TLS: '0', TEMPORAL_API_KEY: 'key' }, false],
  ['an API key', { TEMPORAL_API_KEY: 'key' }, true],
  ['a client certificate', CLIENT, true],
])('whether TLS is used follows from %s', (_, env, isUsed) => {
  expect(read(env).tls !== undefined).toBe(isUsed);
});

const invalid: [string, () => Record<string, string>, string, RegExp][] = [
  ['TEMPORAL_TLS=yes', () => ({ TEMPORAL_TLS: 'yes' }), 'SETTINGS_INVALID', /expected .*"yes"/],
  [
    'TEMPORAL_TLS_DISABLE_HOST_VERIFICATION',
    () => ({ TEMPORAL_TLS_DISABLE_HOST_VERIFICATION: 'true' }),
    'SETTINGS_INVALID',
    /TEMPORAL_TLS_DISABLE_HOST_VERIFICATION is not supported/,
  ],
  [
    'disable_host_verification in a profile',
    () => profile(['[profile.default.tls]', 'disable_host_verification = true']),
    'SETTINGS_INVALID',
    /tls\.disable_host_verification in temporal\.toml is not supported/,
  ],
  [
    'a certificate without its key',
    () => ({ ...CLIENT, TEMPORAL_TLS_CLIENT_KEY_PATH: '' }),
    'SETTINGS_INVALID',
    /TEMPORAL_TLS_CLIENT_KEY_PATH is not/,
  ],
  [
    'a key without its certificate',
    () => ({ ...CLIENT, TEMPORAL_TLS_CLIENT_CERT_PATH: '' }),
    'SETTINGS_INVALID',
    /TEMPORAL_TLS_CLIENT_CERT_PATH is not/,
  ],
  [
    'the key of another certificate',
    () => ({ ...CLIENT, TEMPORAL_TLS_CLIENT_KEY_PATH: file('client-worker.key') }),
    'SETTINGS_INVALID',
    /client-worker\.key\) is not the private key of .*client-bridge\.crt/,
  ],
  [
    'an encrypted key',
    () => ({
      TEMPORAL_TLS_CLIENT_CERT_PATH: file('client-passphrase.crt'),
      TEMPORAL_TLS_CLIENT_KEY_PATH: file('client-passphrase.key'),
    }),
    'SETTINGS_INVALID',
    /client-passphrase\.key\) is encrypted/,
  ],
  [
    'a certificate that is damaged',
    () => ({
      TEMPORAL_TLS_SERVER_CA_CERT_DATA:
        '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----',
    }),
    'SETTINGS_INVALID',
    /TEMPORAL_TLS_SERVER_CA_CERT_DATA has no valid certificate/,
  ],
  [
    'a file and a value',
    () => ({ ...CLIENT, TEMPORAL_TLS_CLIENT_CERT_DATA: text('client-bridge.crt') }),
    'SETTINGS_INVALID',
    /TEMPORAL_TLS_CLIENT_CERT_PATH and TEMPORAL_TLS_CLIENT_CERT_DATA are both set/,
  ],
  [
    'certificates although TLS is disabled',
    () => ({ ...CLIENT, TEMPORAL_TLS: 'false' }),
    'SETTINGS_INVALID',
    /TLS is disabled .*TEMPORAL_TLS_CLIENT_CERT_PATH, TEMPORAL_TLS_CLIENT_KEY_PATH are set/,
  ],
  [
    'a temporal.toml that does not exist',
    () => ({ TEMPORAL_CONFIG_FILE: file('missing.toml') }),
    'SETTINGS_INVALID',
    /TEMPORAL_CONFIG_FILE names a file that does not exist: .*missing\.toml/,
  ],
  [
    'a profile that does not exist',
    () => ({ TEMPORAL_PROFILE: 'staging' }),
    'SETTINGS_INVALID',
    /staging/,
  ],
  [
    'a file that does not exist',
    () => ({ TEMPORAL_TLS_SERVER_CA_CERT_PATH: file('missing.crt') }),
    'FILE_UNREADABLE',
    /TEMPORAL_TLS_SERVER_CA_CERT_PATH .*missing\.crt/,
  ],
  [
    'a file without a certificate',
    () => ({ TEMPORAL_TLS_SERVER_CA_CERT_PATH: file('server.key') }),
    'FILE_NOT_PEM',
    /TEMPORAL_TLS_SERVER_CA_CERT_PATH .*server\.key/,
  ],
];

test.each(invalid)('an error names the mistake: %s', (_, env, code, message) => {
  let error: unknown;
  try {
    read(env());
  } catch (thrown) {
    error = thrown;
  }
  expect(error).toBeInstanceOf(OperatorError);
  expect(error).toMatchObject({ code, message: expect.stringMatching(message) as string });
});
