import { kafkaSettings } from '../../../src/config/kafka-settings.ts';
import { readSettings, type Environment } from '../../../src/config/read-settings.ts';
import { settingsReport } from '../../../src/config/settings-report.ts';
import { OperatorError } from '../../../src/program/operator-error.ts';

const read = (env: Environment) =>
  readSettings({ kafka: kafkaSettings }, { KAFKA_BROKERS: 'kafka:9092', ...env }).kafka;

/** The mistakes, one per line. */
function mistakesOf(env: Environment): readonly string[] {
  try {
    read(env);
    return [];
  } catch (error) {
    if (!(error instanceof OperatorError)) throw error;
    return error.message.split('\n').slice(1);
  }
}

const LOGIN = { KAFKA_SASL_USERNAME: 'bridge', KAFKA_SASL_PASSWORD: 'secret' };
const ENDPOINT = {
  KAFKA_SASL_MECHANISM: 'oauthbearer',
  KAFKA_SASL_OAUTHBEARER_TOKEN_ENDPOINT_URL: 'https://login.example.org/token',
  KAFKA_SASL_OAUTHBEARER_CLIENT_ID: 'bridge',
  KAFKA_SASL_OAUTHBEARER_CLIENT_SECRET: 'secret',
};

test.each([
  ['SCRAM-SHA-512', 'scram-sha-512'],
  ['AWS_MSK_IAM', 'aws-msk-iam'],
])('the mechanism %s is %s', (given, mechanism) => {
  const login = mechanism === 'aws-msk-iam' ? {} : LOGIN;
  expect(read({ KAFKA_SASL_MECHANISM: given, ...login }).saslMechanism).toBe(mechanism);
});

test('extensions are pairs; a value may contain an equals sign', () => {
  const env = { ...ENDPOINT, KAFKA_SASL_OAUTHBEARER_EXTENSIONS: 'logicalCluster=lkc-1, pool=a=b' };
  expect(read(env).oauthExtensions).toEqual({ logicalCluster: 'lkc-1', pool: 'a=b' });
});

test.each<[string, Environment, readonly string[]]>([
  ['a user without a mechanism', LOGIN, ['KAFKA_SASL_USERNAME', 'KAFKA_SASL_MECHANISM']],
  [
    'a mechanism without a password',
    { KAFKA_SASL_MECHANISM: 'plain', KAFKA_SASL_USERNAME: 'bridge' },
    ['KAFKA_SASL_PASSWORD'],
  ],
  ['a CA file without TLS', { KAFKA_SSL_CA_FILE: '/ca.crt' }, ['KAFKA_SSL_CA_FILE', 'KAFKA_SSL ']],
  [
    'a certificate without its key',
    { KAFKA_SSL: 'true', KAFKA_SSL_CERT_FILE: '/a.crt' },
    ['KAFKA_SSL_KEY_FILE'],
  ],
  [
    'a passphrase without a key',
    { KAFKA_SSL: 'true', KAFKA_SSL_KEY_PASSPHRASE: 'secret' },
    ['KAFKA_SSL_KEY_PASSPHRASE', 'KAFKA_SSL_KEY_FILE'],
  ],
  [
    'an address as the server name',
    { KAFKA_SSL: 'true', KAFKA_SSL_SERVER_NAME: '127.0.0.1' },
    ['KAFKA_SSL_SERVER_NAME'],
  ],
  [
    'a password for OAUTHBEARER',
    { ...ENDPOINT, KAFKA_SASL_PASSWORD: 'secret' },
    ['KAFKA_SASL_PASSWORD', 'oauthbearer'],
  ],
  [
    'OAUTHBEARER without a token or an endpoint',
    { KAFKA_SASL_MECHANISM: 'oauthbearer' },
    ['KAFKA_SASL_OAUTHBEARER_TOKEN_ENDPOINT_URL', 'KAFKA_SASL_OAUTHBEARER_TOKEN '],
  ],
  [
    'a token endpoint without a client secret',
    { ...ENDPOINT, KAFKA_SASL_OAUTHBEARER_CLIENT_SECRET: '' },
    ['KAFKA_SASL_OAUTHBEARER_CLIENT_SECRET'],
  ],
  [
    'a scope for a token file',
    {
      KAFKA_SASL_MECHANISM: 'oauthbearer',
      KAFKA_SASL_OAUTHBEARER_TOKEN: 'abc',
      KAFKA_SASL_OAUTHBEARER_SCOPE: 'kafka',
    },
    ['KAFKA_SASL_OAUTHBEARER_SCOPE'],
  ],
  [
    'extensions that are not pairs',
    { ...ENDPOINT, KAFKA_SASL_OAUTHBEARER_EXTENSIONS: 'auth=token' },
    ['KAFKA_SASL_OAUTHBEARER_EXTENSIONS'],
  ],
  ['a misspelled name', { KAFKA_TOPICS: 'orders' }, ['KAFKA_TOPICS', 'KAFKA_TOPIC']],
  [
    "another client's name",
    { KAFKA_SECURITY_PROTOCOL: 'SASL_SSL' },
    ['KAFKA_SECURITY_PROTOCOL', 'KAFKA_SASL_MECHANISM'],
  ],
  [
    'an unknown name about encryption',
    { KAFKA_SSL_TRUSTSTORE_PASSWORD: 'secret' },
    ['KAFKA_SSL_TRUSTSTORE_PASSWORD'],
  ],
])('%s is one mistake, which names the settings and shows no secret', (_, env, names) => {
  const mistakes = mistakesOf(env);
  expect(mistakes).toHaveLength(1);
  for (const name of names) expect(mistakes[0]).toContain(name);
  expect(mistakes[0]).not.toMatch(/\bsecret$|"secret/);
});

test('names that Kubernetes sets for its services, and those of other programs, are left alone', () => {
  const env = {
    KAFKA_PORT: 'tcp://10.0.0.1:9092',
    KAFKA_SERVICE_HOST: '10.0.0.1',
    KAFKA_SERVICE_PORT: '9092',
    KAFKA_SERVICE_PORT_TCP_CLIENTS: '9092',
    KAFKA_PORT_9092_TCP: 'tcp://10.0.0.1:9092',
    KAFKA_PORT_9092_TCP_ADDR: '10.0.0.1',
    KAFKA_SSL_SERVICE_HOST: '10.0.0.1',
    KAFKA_BROKERS_PORT_9092_TCP_PROTO: 'tcp',
    KAFKA_HEAP_OPTS: '-Xmx1g',
    KAFKA_HOME: '/opt/kafka',
  };
  expect(mistakesOf(env)).toEqual([]);
});

test.each([
  'bridge:geheim@kafka:9092',
  'other:9092,bridge:ge,heim@kafka:9092',
  'kafka://a:geheim@b',
])('credentials in the brokers are rejected and not shown: %s', (brokers) => {
  const env = { KAFKA_BROKERS: brokers };
  const shown = `${mistakesOf(env).join('\n')}${settingsReport(env)}`;
  expect(shown).toContain('KAFKA_BROKERS');
  expect(shown).not.toMatch(/geheim|ge,heim/);
  expect(mistakesOf(env)).toHaveLength(1);
});
