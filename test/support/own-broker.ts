import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startDaemon } from '../../dev/stack/daemon.ts';
import { freePort } from '../../dev/stack/free-port.ts';
import { QUICK_START } from '../../dev/stack/java.ts';
import { configureBroker, probeBroker } from '../../dev/stack/kafka.ts';
import { stopProcess } from '../../dev/stack/process-identity.ts';
import { kafkaLibraries } from './kafka-libraries.ts';
import { setUp } from './set-up.ts';

export interface OwnBroker {
  /** The listener without authentication. */
  readonly address: string;
  /** The listener with SASL/PLAIN, if the broker has `aclProperties`. */
  readonly saslAddress: string;
  remove(): Promise<void>;
}

/** Starts an empty broker for one test, with these lines in its server.properties. */
export async function startOwnBroker(properties: readonly string[] = []): Promise<OwnBroker> {
  await kafkaLibraries();
  const [addresses, remove] = await setUp(async (onUndo) => {
    const dir = mkdtempSync(path.join(tmpdir(), 'own-broker-'));
    onUndo(() => {
      rmSync(dir, { recursive: true, force: true });
    });
    const brokerPort = await freePort();
    const saslPort = await freePort();
    await startDaemon(
      'broker',
      await configureBroker(dir, {
        id: 1,
        brokerPort,
        controllerPort: await freePort(),
        proxied: { port: saslPort, proxyPort: saslPort },
        properties,
        javaOptions: QUICK_START,
      }),
      path.join(dir, 'log'),
      () => probeBroker(brokerPort),
      (identity) => {
        onUndo(() => stopProcess(identity, 'SIGKILL', 5000));
      },
    );
    return { address: `127.0.0.1:${brokerPort}`, saslAddress: `127.0.0.1:${saslPort}` };
  });
  return { ...addresses, remove };
}

/** Properties of a broker that checks ACLs for these users. Clients without authentication may do everything. */
export const aclProperties = (users: Readonly<Record<string, string>>): readonly string[] => [
  'listener.security.protocol.map=PLAINTEXT:PLAINTEXT,PROXIED:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT',
  'sasl.enabled.mechanisms=PLAIN',
  `listener.name.proxied.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required ${Object.entries(
    users,
  )
    .map(([user, password]) => `user_${user}="${password}"`)
    .join(' ')};`,
  'authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer',
  'super.users=User:ANONYMOUS',
  'allow.everyone.if.no.acl.found=false',
];
