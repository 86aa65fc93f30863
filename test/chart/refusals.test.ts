import { helm, render, withValues } from './support/rendered-chart.ts';

const refusal = async (values: object, ...more: string[]): Promise<string> =>
  withValues(values, async (...args) => {
    const { exitCode, all } = await helm(
      ...['template', 'shop', '.', '--values', 'ci/default-values.yaml', ...args, ...more],
    );
    expect({ values, exitCode }).toMatchObject({ exitCode: 1 });
    return all;
  });

test('required values that are missing are all named, with an example', async () => {
  const { all } = await helm('template', 'shop', '.');
  expect(all).toContain('settings.KAFKA_BROKERS is not set');
  expect(all).toContain('--set secrets.DATABASE_URL.name=');
});

// Refused by values.schema.json, which names the value.
test.each<[string, object, RegExp]>([
  ['a misspelled value', { bridge: { replica: 3 } }, /bridge.*replica/],
  ['a misspelled setting', { settings: { KAFKA_TOPICS: 'orders' } }, /settings.*KAFKA_TOPICS/],
  ['a secret as a setting', { settings: { DATABASE_URL: 'postgres://u:p@h/d' } }, /DATABASE_URL/],
  ['a wrong type', { worker: { replicas: 'two' } }, /worker.*replicas/],
  ['both kinds of autoscaling', { bridge: { autoscaling: { type: 'both' } } }, /autoscaling.*type/],
  [
    'a secret without its key',
    { secrets: { TEMPORAL_API_KEY: { name: 'a' } } },
    /TEMPORAL_API_KEY/,
  ],
  ['a digest that is none', { image: { digest: 'latest' } }, /digest/],
  [
    'a previous version without an image',
    { worker: { versioning: { enabled: true, previous: [{ buildId: '1' }] } } },
    /previous/,
  ],
])('the schema refuses %s', async (_, values, message) => {
  expect((await refusal(values)).replaceAll('\n', ' ')).toMatch(message);
});

// Refused by the templates.
test.each<[string, object, RegExp]>([
  [
    'more bridges than partitions',
    { bridge: { autoscaling: { type: 'keda', maxReplicas: 7 } } },
    /maxReplicas \(7\).*KAFKA_TOPIC_PARTITIONS, 6/,
  ],
  [
    'a minimum above the maximum',
    { worker: { autoscaling: { type: 'hpa', minReplicas: 20 } } },
    /worker.autoscaling.minReplicas \(20\).*\(10\)/,
  ],
  [
    'SASL without a password or user name',
    { settings: { KAFKA_SASL_MECHANISM: 'plain' } },
    /secrets.KAFKA_SASL_PASSWORD[^]*KAFKA_SASL_USERNAME/,
  ],
  [
    'half of a certificate, and authorities of clients without one',
    {
      certificates: {
        http: { key: { secret: 'a', key: 'b' }, clientCa: { secret: 'a', key: 'c' } },
      },
    },
    /only one of certificates.http.cert[^]*certificates.http.clientCa/,
  ],
  [
    'a codec server without keys, token and private key',
    {
      codecServer: { enabled: true },
      certificates: { codecServer: { cert: { secret: 'a', key: 'b' } } },
    },
    /certificates.codecServer.key is set[^]*secrets.TEMPORAL_PAYLOAD_KEYS[^]*secrets.CODEC_SERVER_TOKEN/,
  ],
  [
    'hashed workflow IDs without encryption',
    { secrets: { WORKFLOW_ID_HASH_KEY: { name: 'a', key: 'b' } } },
    /secrets.WORKFLOW_ID_HASH_KEY/,
  ],
  [
    'a token that the monitors cannot read',
    {
      secrets: { BRIDGE_HTTP_TOKEN: { file: '/mnt/token' } },
      metrics: { podMonitor: { enabled: true } },
    },
    /secrets.BRIDGE_HTTP_TOKEN.file/,
  ],
  [
    'OAUTHBEARER without a secret',
    { settings: { KAFKA_SASL_MECHANISM: 'OAUTHBEARER' } },
    /secrets.KAFKA_SASL_OAUTHBEARER_CLIENT_SECRET/,
  ],
  [
    'a Kafka client certificate without its key',
    { settings: { KAFKA_SSL: true }, certificates: { kafka: { cert: { secret: 'a', key: 'b' } } } },
    /certificates.kafka.cert and certificates.kafka.key/,
  ],
  [
    'two order modules',
    { settings: { ORDER_MODULE: './a.js' }, orderModule: { configMap: 'a', file: 'a.js' } },
    /settings.ORDER_MODULE and orderModule.configMap/,
  ],
  [
    'an order module without its file',
    { orderModule: { configMap: 'a' } },
    /orderModule.file is not/,
  ],
  [
    'migrations without an order module',
    { orderModule: { migrations: ['a.sql'] } },
    /orderModule.configMap is not/,
  ],
  [
    'a setting among the extra variables',
    { bridge: { extraEnv: [{ name: 'KAFKA_TOPIC', value: 'a' }] } },
    /extraEnv contains KAFKA_TOPIC/,
  ],
  [
    'a certificate that is set twice',
    {
      settings: { KAFKA_SSL: true, KAFKA_SSL_CA_FILE: '/a' },
      certificates: { kafka: { ca: { secret: 'a', key: 'b' } } },
    },
    /KAFKA_SSL_CA_FILE and certificates.kafka.ca/,
  ],
  [
    'a client certificate without its key',
    { certificates: { temporal: { cert: { secret: 'a', key: 'b' } } } },
    /certificates.temporal.key/,
  ],
  [
    'two monitors',
    { metrics: { podMonitor: { enabled: true }, serviceMonitor: { enabled: true } } },
    /scraped twice/,
  ],
  [
    'a build ID that no label can have',
    { worker: { versioning: { enabled: true, buildId: 'a b' } } },
    /build ID "a b"/,
  ],
  [
    'the current version among the previous ones',
    {
      worker: {
        versioning: { enabled: true, buildId: '2', previous: [{ buildId: '2', tag: '1' }] },
      },
    },
    /"2" occurs twice/,
  ],
  [
    'previous versions without versioning',
    { worker: { versioning: { previous: [{ buildId: '2', tag: '1' }] } } },
    /versioning.enabled is not/,
  ],
])('the templates refuse %s', async (_, values, message) => {
  expect(await refusal(values)).toMatch(message);
});

test('all mistakes are reported at once', async () => {
  const message = await refusal({
    settings: { KAFKA_SASL_MECHANISM: 'plain' },
    bridge: { autoscaling: { type: 'hpa', maxReplicas: 100 } },
  });
  expect(message).toContain('3 mistake(s)');
});

test('a value that is null is unset', async () => {
  const yaml = await withValues({ settings: { KAFKA_TOPIC: null } }, (...args) =>
    render('--values', 'ci/default-values.yaml', ...args),
  );
  expect(yaml).not.toContain('KAFKA_TOPIC');
});
