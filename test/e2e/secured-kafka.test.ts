import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { issueCertificate, KEY_PASSPHRASE } from '../../dev/stack/certificates.ts';
import { kafkaSettings } from '../../src/config/kafka-settings.ts';
import { readSettings } from '../../src/config/read-settings.ts';
import { permissionText, type KafkaPermission } from '../../src/kafka/missing-permission.ts';
import {
  KAFKA_PROGRAMS,
  lackingPermissions,
  permissionsOf,
  type KafkaProgram,
} from '../../src/kafka/program-permissions.ts';
import { eventually } from '../support/eventually.ts';
import { createTopics } from '../support/kafka.ts';
import { orderText } from '../support/messages.ts';
import { runCli, type ProgramEnv, type RunningProgram } from '../support/programs.ts';
import { startSecuredKafka, type SecuredKafka } from '../support/secured-kafka.ts';
import { setUpAll } from '../support/set-up.ts';
import { createTestSystem, type TestSystem } from '../support/system.ts';
import { startTokenEndpoint, type TokenEndpoint } from '../support/token-endpoint.ts';

/** Short, so that a test sees several tokens, and long enough for a slow login. */
const TOKEN_LIFETIME_MS = 20_000;

let kafka: SecuredKafka;
let system: TestSystem;
let endpoint: TokenEndpoint;
setUpAll(async (onUndo) => {
  kafka = await startSecuredKafka();
  onUndo(() => kafka.remove());
  system = await createTestSystem({ brokers: kafka.address });
  onUndo(() => system.close());
  // `setup` creates it, or the first requeue.
  await createTopics(system.topic.kafka, [{ topic: `${system.topic.deadLetterTopic}.replayed` }]);
  endpoint = await startTokenEndpoint({
    clientId: 'operator',
    clientSecret: 'client secret',
    issue: () => ({
      token: kafka.issueToken({ subject: 'operator', lifetimeMs: TOKEN_LIFETIME_MS }),
      lifetimeMs: TOKEN_LIFETIME_MS,
    }),
  });
  onUndo(() => endpoint.close());
  for (const user of ['bridge', 'operator']) {
    await kafka.grant(user, permissionsOf('lag, top', scope()));
  }
});

const scope = () => ({
  topics: [system.topic.name],
  deadLetterTopic: undefined,
  groupId: system.topic.groupId,
});

const file = (name: string) => path.join(kafka.certificates, name);
const certificate = (name: string): ProgramEnv => ({
  KAFKA_SSL_CERT_FILE: file(`${name}.crt`),
  KAFKA_SSL_KEY_FILE: file(`${name}.key`),
});

function written(name: string, text: string): string {
  writeFileSync(file(name), text);
  return file(name);
}

const lag = (env: ProgramEnv) =>
  runCli(['lag', '--interval', '1'], { ...system.bridgeEnv, ...env });

describe('every usual way to connect', () => {
  test.each<[string, () => ProgramEnv]>([
    ['PLAIN', () => ({ ...kafka.tls('saslSsl'), ...kafka.login('plain') })],
    ['SCRAM-SHA-256', () => ({ ...kafka.tls('saslSsl'), ...kafka.login('scram-sha-256') })],
    ['SCRAM-SHA-512', () => ({ ...kafka.tls('saslSsl'), ...kafka.login('scram-sha-512') })],
    ['mutual TLS', () => ({ ...kafka.tls('mtls'), ...certificate('client-bridge') })],
    [
      'mutual TLS with an encrypted key',
      () => ({
        ...kafka.tls('mtls'),
        ...certificate('client-passphrase'),
        KAFKA_SSL_KEY_PASSPHRASE_FILE: written('passphrase', `${KEY_PASSPHRASE}\n`),
      }),
    ],
    [
      'a server name',
      () => ({
        ...kafka.tls('wrongName'),
        ...kafka.login('plain'),
        KAFKA_SSL_SERVER_NAME: 'kafka.example.org',
      }),
    ],
    [
      'OAUTHBEARER with a token file',
      () => ({
        ...kafka.tls('oauth'),
        KAFKA_SASL_MECHANISM: 'oauthbearer',
        KAFKA_SASL_OAUTHBEARER_TOKEN_FILE: written(
          'token',
          `${kafka.issueToken({ subject: 'operator' })}\n`,
        ),
      }),
    ],
    [
      'OAUTHBEARER with a token endpoint',
      () => ({
        ...kafka.tls('oauth'),
        ...endpoint.env,
        KAFKA_SASL_OAUTHBEARER_SCOPE: 'kafka',
        KAFKA_SASL_OAUTHBEARER_EXTENSIONS: 'logicalCluster=one',
      }),
    ],
    [
      'a login without TLS',
      () => ({ KAFKA_BROKERS: kafka.brokers('saslPlaintext'), ...kafka.login('scram-sha-512') }),
    ],
  ])('%s', async (_, env) => {
    expect(await lag(env())).toMatchObject({ stderr: '', exitCode: 0 });
  });
});

describe('every usual mistake', () => {
  const login = () => kafka.login('plain');
  test.each<[string, () => ProgramEnv, string, string]>([
    [
      'a wrong password',
      () => ({ ...kafka.tls('saslSsl'), ...login(), KAFKA_SASL_PASSWORD: 'wrong' }),
      'KAFKA_LOGIN_REJECTED',
      'KAFKA_SASL_PASSWORD',
    ],
    [
      'a wrong CA',
      () => ({ ...kafka.tls('saslSsl'), ...login(), KAFKA_SSL_CA_FILE: file('other-ca.crt') }),
      'KAFKA_TLS_FAILED',
      'KAFKA_SSL_CA_FILE',
    ],
    [
      'an expired certificate',
      () => ({ ...kafka.tls('expired'), ...login() }),
      'KAFKA_TLS_FAILED',
      'expired',
    ],
    [
      'a certificate for another host',
      () => ({ ...kafka.tls('wrongName'), ...login() }),
      'KAFKA_TLS_FAILED',
      'KAFKA_SSL_SERVER_NAME',
    ],
    ['no client certificate', () => kafka.tls('mtls'), 'KAFKA_TLS_FAILED', 'KAFKA_SSL_CERT_FILE'],
    [
      'an expired client certificate',
      () => ({ ...kafka.tls('mtls'), ...certificate('client-expired') }),
      'KAFKA_TLS_FAILED',
      'client-expired.crt',
    ],
    [
      'a client certificate of another authority',
      () => ({ ...kafka.tls('mtls'), ...certificate('client-other-ca') }),
      'KAFKA_TLS_FAILED',
      'client-other-ca.crt',
    ],
    [
      'a key of another certificate',
      () => ({
        ...kafka.tls('mtls'),
        ...certificate('client-bridge'),
        KAFKA_SSL_KEY_FILE: file('client-worker.key'),
      }),
      'CLIENT_CERTIFICATE_INVALID',
      'KAFKA_SSL_KEY_FILE',
    ],
    [
      'plaintext to a TLS port',
      () => ({ KAFKA_BROKERS: kafka.brokers('saslSsl'), ...login() }),
      'KAFKA_TLS_FAILED',
      'KAFKA_SSL=true',
    ],
    [
      'TLS to a plaintext port',
      () => ({ ...kafka.tls('saslPlaintext'), ...login() }),
      'KAFKA_TLS_FAILED',
      'KAFKA_SSL=false',
    ],
    ['no login', () => kafka.tls('saslSsl'), 'KAFKA_UNREACHABLE', 'KAFKA_SASL_MECHANISM'],
    [
      'a login at a port without one',
      () => ({ KAFKA_BROKERS: kafka.address, ...login() }),
      'KAFKA_LOGIN_REJECTED',
      'KAFKA_SASL_MECHANISM',
    ],
    [
      'an expired token',
      () => ({
        ...kafka.tls('oauth'),
        KAFKA_SASL_MECHANISM: 'oauthbearer',
        KAFKA_SASL_OAUTHBEARER_TOKEN: kafka.issueToken({ subject: 'a', lifetimeMs: -10_000 }),
      }),
      'KAFKA_LOGIN_REJECTED',
      'the token has expired',
    ],
    [
      'a token that the broker rejects',
      () => ({
        ...kafka.tls('oauth'),
        KAFKA_SASL_MECHANISM: 'oauthbearer',
        // The header and the claims of a token without a signature.
        KAFKA_SASL_OAUTHBEARER_TOKEN: 'eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0.',
      }),
      'KAFKA_LOGIN_REJECTED',
      'invalid_token',
    ],
    [
      'a client that the token endpoint rejects',
      () => ({
        ...kafka.tls('oauth'),
        ...endpoint.env,
        KAFKA_SASL_OAUTHBEARER_CLIENT_SECRET: 'wrong',
      }),
      'KAFKA_TOKEN_UNAVAILABLE',
      'invalid_client',
    ],
  ])('%s is one line with the cause, and the remedy', async (_, env, code, text) => {
    const { exitCode, stderr } = await lag(env());
    expect(stderr).toMatch(new RegExp(`^order-ingest: ${code}: [^\\n]+\\n  Fix: [^\\n]+\\n?$`));
    expect(stderr).toContain(text);
    expect(stderr).not.toMatch(/SSL routines|client secret|-password/);
    expect(exitCode).toBe(1);
  });
});

async function readiness(bridge: RunningProgram): Promise<string> {
  const { status, body } = await bridge.http('GET', '/readyz');
  return `${status} ${body}`;
}

const untilReady = (bridge: RunningProgram) =>
  eventually(async () => {
    expect(await readiness(bridge)).toMatch(/^200 /);
  });

async function send(prefix: string, count: number): Promise<void> {
  const ids = Array.from({ length: count }, (_, index) => `${prefix}-${index}`);
  await system.topic.send(ids.map((id) => ({ key: id, value: orderText(id) })));
}

describe('while a bridge runs', () => {
  const password = () => file('password');
  const bridgeEnv = (): ProgramEnv => ({
    ...kafka.tls('reauth'),
    ...kafka.login('scram-sha-512', 'bridge'),
    KAFKA_SASL_PASSWORD: '',
    KAFKA_SASL_PASSWORD_FILE: password(),
  });

  test('it logs in again every few seconds under load, and a rotated password is used without a restart', async () => {
    written('password', 'bridge-password\n');
    await kafka.grant('bridge', permissionsOf('bridge', scope()));
    const bridge = await system.startBridge(bridgeEnv());
    try {
      // The broker asks for a login every ten seconds.
      const begun = Date.now();
      for (let round = 0; Date.now() - begun < 25_000; round += 1) {
        await send(`load-${round}`, 10);
        await system.allCommitted();
      }
      expect(bridge.events.filter(({ event }) => event === 'kafka_poll_error')).toEqual([]);

      await kafka.changeScramPassword('bridge', 'second password');
      await eventually(async () => {
        expect(await readiness(bridge)).toMatch(/^503 .*rejects the login of user \\?"bridge/s);
      });
      await send('meanwhile', 5);
      written('password', 'second password\n');
      await untilReady(bridge);
      await system.allCommitted();
      expect(bridge.exitStatus()).toBeUndefined();
    } finally {
      await bridge.end('SIGTERM');
      await kafka.changeScramPassword('bridge', 'bridge-password');
    }
  });

  test('it is not ready while a permission is revoked, and resumes when that is granted', async () => {
    await kafka.grant('limited', permissionsOf('bridge', scope()));
    const bridge = await system.startBridge({
      ...kafka.tls('saslSsl'),
      ...kafka.login('scram-sha-512', 'limited'),
    });
    try {
      await untilReady(bridge);
      for (const permission of permissionsOf('bridge', scope())) {
        if (permission.operation !== 'READ') continue;
        const crashes = () => bridge.events.filter(({ event }) => event === 'kafka_poll_error');
        const before = crashes().length;
        await kafka.revoke('limited', [permission]);
        await eventually(async () => {
          const reason = (await readiness(bridge)).replaceAll('\\"', '"');
          expect(reason).toMatch(/^503 /);
          expect(reason).toContain(permissionText(permission));
        });
        await eventually(() => {
          expect(crashes().length).toBeGreaterThan(before);
        });
        expect(await readiness(bridge)).toMatch(/^503 /);
        await kafka.grant('limited', [permission]);
        await untilReady(bridge);
      }
      await send('granted', 5);
      await system.allCommitted();
      expect(bridge.exitStatus()).toBeUndefined();
    } finally {
      await bridge.end('SIGTERM');
      await kafka.revokeAll('limited');
    }
  });

  test('a renewed client certificate is used for the next connection', async () => {
    const name = 'client-rotating';
    const expiresIn = (ms: number) => ({
      name,
      commonName: 'bridge',
      validUntil: new Date(Date.now() + ms),
    });
    await issueCertificate(kafka.certificates, expiresIn(600_000));
    const bridge = await system.startBridge({ ...kafka.tls('mtls'), ...certificate(name) });
    try {
      await untilReady(bridge);
      await issueCertificate(kafka.certificates, expiresIn(-1000));
      await eventually(async () => {
        // Every query of the lag opens a connection.
        expect((await lag({ ...kafka.tls('mtls'), ...certificate(name) })).exitCode).toBe(1);
      });
      await issueCertificate(kafka.certificates, expiresIn(600_000));
      await send('renewed', 5);
      await system.allCommitted();
      expect(bridge.exitStatus()).toBeUndefined();
    } finally {
      await bridge.end('SIGTERM');
    }
  });

  test('a bridge gets tokens from the endpoint as they expire', async () => {
    await kafka.grant('operator', permissionsOf('bridge', scope()));
    const bridge = await system.startBridge({ ...kafka.tls('oauth'), ...endpoint.env });
    try {
      const issued = endpoint.issued;
      await eventually(async () => {
        // A duplicate each time: no worker closes the orders, and a bridge bounds the open ones.
        await send('token', 1);
        await system.allCommitted();
        expect(endpoint.issued).toBeGreaterThan(issued + 1);
      });
      await system.allCommitted();
      expect(bridge.events.filter(({ event }) => event === 'kafka_poll_error')).toEqual([]);
    } finally {
      await bridge.end('SIGTERM');
    }
  });
});

describe('with exactly the documented permissions', () => {
  const env = (): ProgramEnv => ({
    ...system.bridgeEnv,
    ...system.workerEnv,
    ...kafka.tls('saslSsl'),
    ...kafka.login('plain', 'limited'),
  });
  const settings = () => readSettings({ kafka: kafkaSettings }, env()).kafka;

  const COMMANDS: Readonly<Record<Exclude<KafkaProgram, 'bridge'>, readonly string[]>> = {
    'lag, top': ['lag', '--interval', '1'],
    doctor: ['doctor', '--json'],
    produce: ['produce', '--sample', '1'],
    'dead-letters list, dead-letters show': ['dead-letters', 'list'],
    'dead-letters requeue': ['dead-letters', 'requeue'],
    'reconcile, orders show': ['reconcile'],
    'replay, orders rerun of an expired order': [
      'replay',
      '--partition',
      '0',
      '--from',
      '0',
      '--to',
      '2',
    ],
    'setup --only kafka': ['setup', '--only', 'kafka'],
  };

  beforeAll(async () => {
    await system.topic.send([{ value: 'not an order' }, { value: orderText('one') }]);
  });

  afterEach(() => kafka.revokeAll('limited'));

  async function expectLacking(permission: KafkaPermission, all: readonly KafkaPermission[]) {
    await eventually(async () => {
      const lacking = await lackingPermissions(settings(), all);
      expect(lacking.map(permissionText)).toContain(permissionText(permission));
    });
  }

  test.each(Object.entries(COMMANDS))('%s runs', async (program, args) => {
    const found = KAFKA_PROGRAMS.find((one) => one === program);
    if (!found) throw new Error(program);
    const needed = permissionsOf(found, scope());
    await kafka.grant('limited', needed);
    await eventually(async () => {
      const { stderr, stdout } = await runCli(args, env());
      expect(stderr).not.toContain('KAFKA_RIGHT_MISSING');
      expect(stdout).not.toContain('denies');
      expect(stderr).not.toContain('UNEXPECTED');
    });
  });

  test.each(KAFKA_PROGRAMS)(
    'each permission of %s is named when it is missing',
    async (program) => {
      const needed = permissionsOf(program, scope()).filter(
        ({ operation }) => operation !== 'CREATE',
      );
      for (const permission of needed) {
        // What another of them implies cannot be missing.
        const others = needed.filter(
          (one) => one.name !== permission.name || one.resource !== permission.resource,
        );
        await kafka.revokeAll('limited');
        await kafka.grant('limited', others);
        await expectLacking(permission, needed);
      }
      await kafka.grant('limited', needed);
      await eventually(async () => {
        expect(await lackingPermissions(settings(), needed)).toEqual([]);
      });
    },
  );

  test('a bridge does not start without one of them, and names it', async () => {
    const needed = permissionsOf('bridge', scope());
    for (const permission of needed) {
      await kafka.revokeAll('limited');
      await kafka.grant(
        'limited',
        needed.filter((one) => one !== permission),
      );
      await expectLacking(permission, needed);
      const { exitCode, stderr } = await runCli(['bridge'], env());
      expect(stderr).toContain('KAFKA_RIGHT_MISSING');
      expect(stderr).toContain(permissionText(permission));
      expect(exitCode).toBe(1);
    }
  });

  test('the doctor names the programs that the user may not run, and what they lack', async () => {
    await kafka.grant('limited', [
      ...permissionsOf('doctor', scope()),
      ...permissionsOf('bridge', scope()),
    ]);
    await eventually(async () => {
      const { stdout } = await runCli(['doctor', '--json'], env());
      const found = stdout
        .split('\n')
        .filter((line) => line.includes('"Kafka: permissions"'))
        .map((line) => JSON.parse(line) as { state: string; detail: string });
      expect(found.find(({ state }) => state === 'ok')?.detail).toMatch(/bridge, lag, top, doctor/);
      expect(found.find(({ detail }) => detail.startsWith('produce:'))).toMatchObject({
        state: 'warning',
        detail: expect.stringContaining(`WRITE on topic "${system.topic.name}"`),
      });
    });
  });
});
