import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { CA_FILE, createCertificates } from '../../dev/stack/certificates.ts';
import { startDaemon } from '../../dev/stack/daemon.ts';
import { freePort } from '../../dev/stack/free-port.ts';
import { stopProcess } from '../../dev/stack/process-identity.ts';
import {
  API_KEY_SERVER_PORTS,
  configureSecuredTemporal,
  connectionOptions,
  probeSecuredTemporal,
} from '../../dev/stack/secured-temporal.ts';
import { NOT_SHOWN } from '../../dev/stack/show-steps.ts';
import {
  buildServer,
  DEFAULT_SERVER_VERSION,
  HIGHEST_SERVER_PORT,
  SERVER_PORTS,
} from '../../dev/stack/temporal-server.ts';
import type { ApiKeys } from './api-keys.ts';
import type { ProgramEnv } from './programs.ts';
import { setUp } from './set-up.ts';

export interface SecuredTemporal {
  readonly address: string;
  /** The folder of the certificates: see `createCertificates`. */
  readonly certificates: string;
  /** Lets programs trust the server. They also need a client certificate (`clientEnv`) or an API key. */
  readonly env: ProgramEnv;
  /** Connects with the operator's certificate, or with an API key that permits everything. */
  connect(): Promise<Client>;
  remove(): Promise<void>;
}

/**
 * Starts a Temporal server with TLS for the tests of one file. It requires client certificates, or, with
 * `apiKeys`, API keys instead.
 */
export async function startSecuredTemporal({
  apiKeys,
}: { readonly apiKeys?: ApiKeys } = {}): Promise<SecuredTemporal> {
  const [server, remove] = await setUp(async (onUndo) => {
    const dir = mkdtempSync(path.join(tmpdir(), 'secured-temporal-'));
    onUndo(() => {
      rmSync(dir, { recursive: true, force: true });
    });
    const certificates = path.join(dir, 'certificates');
    await createCertificates(certificates);
    const keySet = path.join(dir, 'jwks.json');
    if (apiKeys) writeFileSync(keySet, JSON.stringify(apiKeys.keySet));
    await buildServer('A secured Temporal server', DEFAULT_SERVER_VERSION, NOT_SHOWN);
    const ports: Record<string, number> = {};
    for (const name of Object.keys(apiKeys ? API_KEY_SERVER_PORTS : SERVER_PORTS)) {
      ports[name] = await freePort({
        exclude: Object.values(ports),
        highest: HIGHEST_SERVER_PORT,
      });
    }
    const frontend = ports['frontend'] ?? 0;
    const options = () =>
      connectionOptions(frontend, {
        certificates,
        ...(apiKeys ? { apiKey: apiKeys.issue(['temporal-system:admin']) } : {}),
      });
    await startDaemon(
      'the secured Temporal server',
      configureSecuredTemporal(dir, ports, {
        certificates,
        ...(apiKeys ? { apiKeys: keySet } : {}),
      }),
      path.join(dir, 'log'),
      () => probeSecuredTemporal(options()),
      (identity) => {
        onUndo(() => stopProcess(identity, 'SIGKILL', 5000));
      },
    );
    return {
      address: `localhost:${frontend}`,
      certificates,
      env: { TEMPORAL_TLS_SERVER_CA_CERT_PATH: path.join(certificates, CA_FILE) },
      async connect() {
        return new Client({
          connection: await Connection.connect(options()),
          namespace: 'default',
        });
      },
    };
  });
  return { ...server, remove };
}

/** The settings for a client certificate of the folder, such as `client-bridge`. */
export const clientEnv = (
  { certificates }: Pick<SecuredTemporal, 'certificates'>,
  name: string,
): ProgramEnv => ({
  TEMPORAL_TLS_CLIENT_CERT_PATH: path.join(certificates, `${name}.crt`),
  TEMPORAL_TLS_CLIENT_KEY_PATH: path.join(certificates, `${name}.key`),
});
