import { readSettings } from '../../../src/config/read-settings.ts';
import { READER_ROLE } from '../../../src/config/roles.ts';
import { reportSettings } from '../../../src/config/settings-report.ts';
import { valueSettingMistakes } from '../../../src/config/value-settings.ts';

const read = (env: Readonly<Record<string, string>>) =>
  readSettings(READER_ROLE, env, valueSettingMistakes);

const URL = 'http://registry:8081';

test('JSON needs no registry', () => {
  expect(read({}).value.format).toBe('json');
});

test.each([
  ['a format without a registry', { KAFKA_VALUE_FORMAT: 'avro' }, 'SCHEMA_REGISTRY_URL'],
  ['an unknown format', { KAFKA_VALUE_FORMAT: 'xml' }, 'KAFKA_VALUE_FORMAT'],
  ['a user without a password', { SCHEMA_REGISTRY_USERNAME: 'me' }, 'SCHEMA_REGISTRY_PASSWORD'],
  [
    'two ways to authenticate',
    { SCHEMA_REGISTRY_USERNAME: 'me', SCHEMA_REGISTRY_PASSWORD: 'x', SCHEMA_REGISTRY_TOKEN: 't' },
    'SCHEMA_REGISTRY_TOKEN',
  ],
  ['a certificate without a key', { SCHEMA_REGISTRY_CERT_FILE: 'a' }, 'SCHEMA_REGISTRY_KEY_FILE'],
  ['a URL with a query', { SCHEMA_REGISTRY_URL: `${URL}?a=b` }, 'SCHEMA_REGISTRY_URL'],
  ['a URL of another protocol', { SCHEMA_REGISTRY_URL: 'kafka://a' }, 'SCHEMA_REGISTRY_URL'],
  ['a pointer without a slash', { ORDER_PAYLOAD_POINTER: 'data' }, 'ORDER_PAYLOAD_POINTER'],
  ['a pointer with a bare tilde', { ORDER_PAYLOAD_POINTER: '/a~b' }, 'ORDER_PAYLOAD_POINTER'],
])('%s is a mistake', (_, env, named) => {
  expect(() => read(env)).toThrow(named);
});

test('a URL with a password is a mistake, and the password is shown nowhere', () => {
  const env = { SCHEMA_REGISTRY_URL: 'http://me:secret-1@registry:8081' };
  let message = '';
  try {
    read(env);
  } catch (error) {
    message = String(error);
  }
  expect(message).toContain('SCHEMA_REGISTRY_USERNAME');
  expect(message).not.toContain('secret-1');
  expect(JSON.stringify(reportSettings(env))).not.toContain('secret-1');
});
