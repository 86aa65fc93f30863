import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startDaemon } from '../../dev/stack/daemon.ts';
import { freePort } from '../../dev/stack/free-port.ts';
import { configureBroker, probeBroker } from '../../dev/stack/kafka.ts';
import { stopProcess, type ProcessIdentity } from '../../dev/stack/process-identity.ts';

export interface OwnBroker {
  /** The listener without authentication. */
  readonly address: string;
  /** The listener with SASL/PLAIN, if the broker has `aclProperties`. */
  readonly saslAddress: string;
  remove(): Promise<void>;
}

/** Starts an empty broker for one test, with these lines in its server.properties. */
export async function startOwnBroker(properties: readonly string[] = []): Promise<OwnBroker> {
  const dir = mkdtempSync(path.join(tmpdir(), 'own-broker-'));
  const brokerPort = await freePort();
  const saslPort = await freePort();
  let running: ProcessIdentity | undefined;
  await startDaemon(
    'broker',
    await configureBroker(dir, {
      id: 1,
      brokerPort,
      controllerPort: await freePort(),
      proxied: { port: saslPort, proxyPort: saslPort },
      properties,
    }),
    path.join(dir, 'log'),
    () => probeBroker(brokerPort),
    60_000,
    (identity) => (running = identity),
  );
  return {
    address: `127.0.0.1:${brokerPort}`,
    saslAddress: `127.0.0.1:${saslPort}`,
    async remove() {
      if (running) await stopProcess(running, 'SIGKILL', 5000);
      rmSync(dir, { recursive: true, force: true });
    },
  };
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
