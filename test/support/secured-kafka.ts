import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import kafkajs, { type Admin } from 'kafkajs';
import { startDaemon } from '../../dev/stack/daemon.ts';
import { freePort } from '../../dev/stack/free-port.ts';
import { probeBroker } from '../../dev/stack/kafka.ts';
import { stopProcess } from '../../dev/stack/process-identity.ts';
import {
  changeScramPassword,
  configureSecuredBroker,
  issueToken,
  KAFKA_USERS,
  securedKafka,
  type KafkaUser,
  type SecuredListener,
} from '../../dev/stack/secured-kafka.ts';
import type { KafkaPermission } from '../../src/kafka/missing-permission.ts';
import { kafkaLibraries } from './kafka-libraries.ts';
import type { ProgramEnv } from './programs.ts';
import { setUp } from './set-up.ts';

const { AclOperationTypes, AclPermissionTypes, AclResourceTypes, ResourcePatternTypes } = kafkajs;

/** A broker with TLS, authentication and ACLs, for one test file. */
export interface SecuredKafka {
  /** A listener without authentication, where everything is allowed. */
  readonly address: string;
  /** The folder of the certificates. */
  readonly certificates: string;
  brokers(listener: SecuredListener): string;
  /** The settings for TLS with the listener's authority, with time for a slow handshake, without authentication. */
  tls(listener: SecuredListener): ProgramEnv;
  /** The settings of a user. */
  login(mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512', user?: KafkaUser): ProgramEnv;
  issueToken(options: { readonly subject: string; readonly lifetimeMs?: number }): string;
  changeScramPassword(user: string, password: string): Promise<void>;
  grant(user: string, permissions: readonly KafkaPermission[]): Promise<void>;
  revoke(user: string, permissions: readonly KafkaPermission[]): Promise<void>;
  /** Takes away everything that the user has been granted. */
  revokeAll(user: string): Promise<void>;
  remove(): Promise<void>;
}

export async function startSecuredKafka(): Promise<SecuredKafka> {
  await kafkaLibraries();
  const [{ dir, ports, admin }, remove] = await setUp(async (onUndo) => {
    const dir = mkdtempSync(path.join(tmpdir(), 'secured-kafka-'));
    onUndo(() => {
      rmSync(dir, { recursive: true, force: true });
    });
    const ports: Record<string, number> = {};
    for (const name of Object.keys(securedKafka.usualPorts)) ports[name] = await freePort();
    const brokerPort = ports['broker'] ?? 0;
    await startDaemon(
      'broker',
      await configureSecuredBroker(path.join(dir, 'kafka'), path.join(dir, 'certificates'), ports),
      path.join(dir, 'log'),
      () => probeBroker(brokerPort),
      (identity) => {
        onUndo(() => stopProcess(identity, 'SIGKILL', 5000));
      },
    );
    const client = new kafkajs.Kafka({
      brokers: [`127.0.0.1:${brokerPort}`],
      logLevel: kafkajs.logLevel.NOTHING,
    });
    const admin = client.admin();
    await admin.connect();
    onUndo(() => admin.disconnect());
    return { dir, ports, admin };
  });
  const certificates = path.join(dir, 'certificates');
  const brokers = (listener: SecuredListener) => `localhost:${ports[listener]}`;
  return {
    address: `127.0.0.1:${ports['broker']}`,
    certificates,
    brokers,
    tls: (listener) => ({
      KAFKA_BROKERS: brokers(listener),
      KAFKA_SSL: 'true',
      KAFKA_SSL_CA_FILE: path.join(certificates, 'ca.crt'),
      KAFKA_CONNECT_TIMEOUT_MS: '20000',
    }),
    login: (mechanism, user = 'admin') => ({
      KAFKA_SASL_MECHANISM: mechanism,
      KAFKA_SASL_USERNAME: user,
      KAFKA_SASL_PASSWORD: KAFKA_USERS[user],
    }),
    issueToken: (options) => issueToken(path.join(dir, 'kafka'), options),
    changeScramPassword: (user, password) =>
      changeScramPassword(path.join(dir, 'kafka'), ports, user, password),
    async grant(user, permissions) {
      if (permissions.length > 0)
        await admin.createAcls({ acl: permissions.map((one) => allowed(user, one)) });
    },
    async revoke(user, permissions) {
      await admin.deleteAcls({ filters: permissions.map((one) => allowed(user, one)) });
    },
    revokeAll: (user) => revokeAll(admin, user),
    remove,
  };
}

const RESOURCES = {
  topic: AclResourceTypes.TOPIC,
  group: AclResourceTypes.GROUP,
  'transactional-id': AclResourceTypes.TRANSACTIONAL_ID,
  cluster: AclResourceTypes.CLUSTER,
} as const;

const allowed = (user: string, { operation, resource, name, isPrefix }: KafkaPermission) => ({
  resourceType: RESOURCES[resource],
  resourceName: name,
  resourcePatternType: isPrefix ? ResourcePatternTypes.PREFIXED : ResourcePatternTypes.LITERAL,
  principal: `User:${user}`,
  host: '*',
  operation: AclOperationTypes[operation],
  permissionType: AclPermissionTypes.ALLOW,
});

async function revokeAll(admin: Admin, user: string): Promise<void> {
  await admin.deleteAcls({
    filters: [
      {
        resourceType: AclResourceTypes.ANY,
        resourcePatternType: ResourcePatternTypes.ANY,
        principal: `User:${user}`,
        operation: AclOperationTypes.ANY,
        permissionType: AclPermissionTypes.ANY,
      },
    ],
  });
}
