import { createPrivateKey, generateKeyPairSync, sign } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Addresses } from './addresses.ts';
import { CA_FILE, createCertificates } from './certificates.ts';
import type { DaemonSpec } from './daemon.ts';
import { configureBroker, kafka, runKafkaTool } from './kafka.ts';
import type { StackPlaces } from './places.ts';
import { port, type LocalService, type Ports } from './service.ts';

/** The passwords by user, for PLAIN and SCRAM. */
export const KAFKA_USERS = {
  admin: 'admin-password',
  bridge: 'bridge-password',
  operator: 'operator-password',
  limited: 'limited-password',
} as const;
export type KafkaUser = keyof typeof KAFKA_USERS;

const SASL_MECHANISMS = ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'] as const;

/** The usual ports of the broker by listener. */
const LISTENER_PORTS = {
  saslSsl: 9192,
  mtls: 9193,
  oauth: 9194,
  wrongName: 9195,
  expired: 9196,
  reauth: 9197,
  saslPlaintext: 9198,
} as const;
export type SecuredListener = keyof typeof LISTENER_PORTS;

/**
 * How often a client of the listener `reauth` has to authenticate again, in milliseconds: often enough for a test to
 * see it, and with two seconds for a login, which a client begins after 80 % of the time.
 */
const REAUTHENTICATION_MS = 10_000;

/** The `aud` claim that the broker expects in a token. */
const AUDIENCE = 'kafka';

/**
 * A Kafka broker with TLS, authentication and ACLs. It also has a listener on 127.0.0.1 without any of them, where
 * everything is allowed: for the stack itself, and for tests to grant and revoke permissions.
 */
export const securedKafka: LocalService = {
  ...kafka,
  title: 'Kafka with TLS and authentication',
  usualPorts: { broker: 9190, controller: 9191, ...LISTENER_PORTS },
  configure: ({ places }, ports) =>
    configureSecuredBroker(path.join(places.dir, 'kafka'), certificatesFolder(places), ports),
};

/** Where the servers of a secured stack have their certificates. */
export const certificatesFolder = ({ dir }: Pick<StackPlaces, 'dir'>): string =>
  path.join(dir, 'certificates');

/** The settings of a client that logs in as the super user `admin` with SCRAM-SHA-512 over TLS. */
export const securedKafkaAddresses = (ports: Ports, certificates: string): Addresses => ({
  KAFKA_BROKERS: `localhost:${port(ports, 'saslSsl')}`,
  KAFKA_SSL: 'true',
  KAFKA_SSL_CA_FILE: path.join(certificates, CA_FILE),
  KAFKA_SASL_MECHANISM: 'scram-sha-512',
  KAFKA_SASL_USERNAME: 'admin',
  KAFKA_SASL_PASSWORD: KAFKA_USERS.admin,
});

/** Creates the broker's folder and the certificates if there are none, and returns how to run it. */
export async function configureSecuredBroker(
  dir: string,
  certificates: string,
  ports: Ports,
): Promise<DaemonSpec> {
  mkdirSync(dir, { recursive: true });
  await createCertificates(certificates);
  for (const name of ['server', 'wrong-name', 'expired']) {
    writeKeyStore(dir, certificates, name);
  }
  const jwks = createTokenKey(dir);
  return configureBroker(dir, {
    id: 1,
    brokerPort: port(ports, 'broker'),
    controllerPort: port(ports, 'controller'),
    properties: securedProperties(dir, certificates, ports, jwks),
    scramUsers: ['SCRAM-SHA-256', 'SCRAM-SHA-512'].flatMap((mechanism) =>
      Object.entries(KAFKA_USERS).map(
        ([user, password]) => `${mechanism}=[name=${user},password=${password}]`,
      ),
    ),
    // Kafka reads a file of keys only if it is allowed by name.
    javaOptions: [`-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls=${jwks}`],
  });
}

/**
 * Signs a token that the broker accepts until it expires.
 *
 * @param dir the broker's folder
 */
export function issueToken(
  dir: string,
  { subject, lifetimeMs = 3_600_000 }: { readonly subject: string; readonly lifetimeMs?: number },
): string {
  const now = Math.floor(Date.now() / 1000);
  const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url');
  const content = [
    encode({ alg: 'RS256', typ: 'JWT', kid: TOKEN_KEY_ID }),
    // A minute of difference between the clocks is accepted in neither direction, so it begins in the past.
    encode({
      iss: 'order-ingest-stack',
      sub: subject,
      aud: AUDIENCE,
      scope: 'kafka',
      iat: now - 60,
      exp: now + Math.round(lifetimeMs / 1000),
    }),
  ].join('.');
  const key = createPrivateKey(readFileSync(path.join(dir, TOKEN_KEY_FILE)));
  return `${content}.${sign('sha256', Buffer.from(content), key).toString('base64url')}`;
}

/** Gives a user another password for SCRAM-SHA-512. Connections that exist are not affected. */
export async function changeScramPassword(
  dir: string,
  ports: Ports,
  user: string,
  password: string,
): Promise<void> {
  await runKafkaTool(dir, 'kafka.admin.ConfigCommand', [
    '--bootstrap-server',
    `127.0.0.1:${port(ports, 'broker')}`,
    '--alter',
    '--entity-type',
    'users',
    '--entity-name',
    user,
    '--add-config',
    `SCRAM-SHA-512=[password=${password}]`,
  ]);
}

/** Kafka wants the key and the certificate in one file. */
function writeKeyStore(dir: string, certificates: string, name: string): void {
  const parts = ['key', 'crt'].map((extension) =>
    readFileSync(path.join(certificates, `${name}.${extension}`), 'utf8'),
  );
  writeFileSync(keyStore(dir, name), parts.join(''), { mode: 0o600 });
}

const keyStore = (dir: string, name: string): string => path.join(dir, `${name}.pem`);

const TOKEN_KEY_ID = 'stack';
const TOKEN_KEY_FILE = 'token.key';

/** Creates the key of tokens unless there is one, and returns the URL of its public part. */
function createTokenKey(dir: string): string {
  const jwks = path.join(dir, 'jwks.json');
  if (!existsSync(jwks)) {
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const pem = privateKey.export({ type: 'pkcs8', format: 'pem' });
    writeFileSync(path.join(dir, TOKEN_KEY_FILE), pem, { mode: 0o600 });
    const key = publicKey.export({ format: 'jwk' });
    const keys = [{ ...key, kid: TOKEN_KEY_ID, use: 'sig', alg: 'RS256' }];
    writeFileSync(jwks, JSON.stringify({ keys }));
  }
  return pathToFileURL(jwks).href;
}

function securedProperties(
  dir: string,
  certificates: string,
  ports: Ports,
  jwks: string,
): readonly string[] {
  const names = Object.keys(LISTENER_PORTS) as SecuredListener[];
  const internal = `PLAINTEXT://127.0.0.1:${port(ports, 'broker')}`;
  const listeners = names.map((name) => `${name.toUpperCase()}://localhost:${port(ports, name)}`);
  const controller = `CONTROLLER://127.0.0.1:${port(ports, 'controller')}`;
  const sasl = names.filter((name) => name !== 'mtls' && name !== 'oauth');
  return [
    `listeners=${[internal, controller, ...listeners].join(',')}`,
    `advertised.listeners=${[internal, ...listeners].join(',')}`,
    `listener.security.protocol.map=${[
      'PLAINTEXT:PLAINTEXT',
      'CONTROLLER:PLAINTEXT',
      ...names.map((name) => `${name.toUpperCase()}:${PROTOCOLS[name] ?? 'SASL_SSL'}`),
    ].join(',')}`,
    'authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer',
    'super.users=User:ANONYMOUS;User:admin',
    'allow.everyone.if.no.acl.found=false',
    'ssl.keystore.type=PEM',
    `ssl.keystore.location=${keyStore(dir, 'server')}`,
    'ssl.truststore.type=PEM',
    `ssl.truststore.location=${path.join(certificates, CA_FILE)}`,
    'ssl.principal.mapping.rules=RULE:^CN=(.*)$/$1/,DEFAULT',
    'listener.name.mtls.ssl.client.auth=required',
    `listener.name.wrongname.ssl.keystore.location=${keyStore(dir, 'wrong-name')}`,
    `listener.name.expired.ssl.keystore.location=${keyStore(dir, 'expired')}`,
    `sasl.enabled.mechanisms=${SASL_MECHANISMS.join(',')}`,
    ...sasl.flatMap(saslProperties),
    ...SASL_MECHANISMS.map(
      (mechanism) =>
        `listener.name.reauth.${mechanism.toLowerCase()}.connections.max.reauth.ms=${REAUTHENTICATION_MS}`,
    ),
    'listener.name.oauth.sasl.enabled.mechanisms=OAUTHBEARER',
    `listener.name.oauth.oauthbearer.sasl.jaas.config=${SECURITY}.oauthbearer.OAuthBearerLoginModule required;`,
    `listener.name.oauth.oauthbearer.sasl.server.callback.handler.class=${SECURITY}.oauthbearer.OAuthBearerValidatorCallbackHandler`,
    // A client must authenticate again before its token expires, so a test need not wait for the token of an hour.
    'listener.name.oauth.oauthbearer.connections.max.reauth.ms=60000',
    `listener.name.oauth.sasl.oauthbearer.jwks.endpoint.url=${jwks}`,
    `listener.name.oauth.sasl.oauthbearer.expected.audience=${AUDIENCE}`,
  ];
}

const PROTOCOLS: Partial<Record<SecuredListener, string>> = {
  mtls: 'SSL',
  saslPlaintext: 'SASL_PLAINTEXT',
};

const SECURITY = 'org.apache.kafka.common.security';

function saslProperties(listener: SecuredListener): readonly string[] {
  const prefix = `listener.name.${listener.toLowerCase()}`;
  const users = Object.entries(KAFKA_USERS).map(([user, password]) => `user_${user}="${password}"`);
  return [
    `${prefix}.plain.sasl.jaas.config=${SECURITY}.plain.PlainLoginModule required ${users.join(' ')};`,
    ...['scram-sha-256', 'scram-sha-512'].map(
      (mechanism) =>
        `${prefix}.${mechanism}.sasl.jaas.config=${SECURITY}.scram.ScramLoginModule required;`,
    ),
  ];
}
