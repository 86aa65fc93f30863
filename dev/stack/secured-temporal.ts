import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Connection, type ConnectionOptions } from '@temporalio/client';
import { stringify } from 'yaml';
import type { Addresses } from './addresses.ts';
import { CA_FILE, createCertificates } from './certificates.ts';
import type { DaemonSpec } from './daemon.ts';
import { port, type LocalService, type Ports } from './service.ts';
import { NAMESPACE, RECONNECT_SOON } from './temporal.ts';
import {
  buildServer,
  builtFolder,
  checkServerBuild,
  DEFAULT_SERVER_VERSION,
  DYNAMIC_CONFIG,
  HIGHEST_SERVER_PORT,
  registerNamespace,
  SERVER_PORTS,
  serverConfig,
} from './temporal-server.ts';

const TITLE = 'A secured Temporal server';

/**
 * The Temporal server with TLS, for clients that have a certificate of the stack's CA. The dev server supports
 * neither. Its data are in SQLite, and it has no web UI.
 *
 * @param certificates the folder of the stack's certificates
 */
export const securedTemporal = (
  certificates: string,
  version = DEFAULT_SERVER_VERSION,
): LocalService => ({
  name: 'temporal',
  title: 'Temporal with mutual TLS',
  usualPorts: SERVER_PORTS,
  highestPort: HIGHEST_SERVER_PORT,
  stopSignal: 'SIGTERM',
  check: () => checkServerBuild(TITLE, version),
  prepare: (progress) => buildServer(TITLE, version, progress),
  async configure({ places, durable }, ports) {
    await createCertificates(certificates);
    const dir = path.join(places.dir, 'temporal');
    return configureSecuredTemporal(dir, ports, { certificates, durable, version });
  },
  probe: (ports) =>
    probeSecuredTemporal(connectionOptions(port(ports, 'frontend'), { certificates })),
  deleteData: () => Promise.resolve(),
});

/** The settings of a client with the operator's certificate. */
export const securedTemporalAddresses = (ports: Ports, certificates: string): Addresses => ({
  TEMPORAL_ADDRESS: `localhost:${port(ports, 'frontend')}`,
  TEMPORAL_NAMESPACE: NAMESPACE,
  TEMPORAL_TLS_SERVER_CA_CERT_PATH: path.join(certificates, CA_FILE),
  TEMPORAL_TLS_CLIENT_CERT_PATH: path.join(certificates, 'client-operator.crt'),
  TEMPORAL_TLS_CLIENT_KEY_PATH: path.join(certificates, 'client-operator.key'),
});

export interface SecuredServer {
  /** The folder of `ca.crt`, `server.crt`, `server.key`, and of the server's own client certificate. */
  readonly certificates: string;
  /**
   * A file with a JSON Web Key Set. With it, the server requires no client certificate, but an API key: a JWT
   * that one of these keys has signed, with `permissions` such as `default:write`.
   */
  readonly apiKeys?: string;
}

/** The ports of a server that requires API keys: its own workers, which have none, use another frontend. */
export const API_KEY_SERVER_PORTS = {
  ...SERVER_PORTS,
  internalFrontend: 7236,
  internalFrontendMembership: 6936,
};

/** Writes the server's configuration, and returns how to run it. */
export function configureSecuredTemporal(
  dir: string,
  ports: Ports,
  {
    certificates,
    apiKeys,
    durable = false,
    version = DEFAULT_SERVER_VERSION,
  }: SecuredServer & { readonly durable?: boolean; readonly version?: string },
): DaemonSpec {
  mkdirSync(path.join(dir, 'config'), { recursive: true });
  const dynamicFile = path.join(dir, 'config', 'dynamic.yaml');
  writeFileSync(dynamicFile, stringify(DYNAMIC_CONFIG));
  const database = sqliteStore(durable ? path.join(dir, 'temporal.db') : undefined);
  const config = serverConfig(ports, {
    stores: { default: database, visibility: database },
    dynamicFile,
    security: {
      tls: tlsConfig(certificates, { requireClientAuth: apiKeys === undefined }),
      ...(apiKeys === undefined ? {} : { authorization: apiKeyConfig(apiKeys) }),
    },
  });
  writeFileSync(path.join(dir, 'config', 'stack.yaml'), stringify(config));
  return {
    command: path.join(builtFolder(version), 'temporal-server'),
    args: [
      ...['--root', dir, '--env', 'stack', '--allow-no-auth', 'start'],
      // By default, it starts no internal frontend.
      ...Object.keys(config.services).flatMap((service) => ['--service', service]),
    ],
    cwd: dir,
  };
}

/** @param file undefined keeps the data in memory */
const sqliteStore = (file: string | undefined) => ({
  sql: {
    pluginName: 'sqlite',
    databaseName: file ?? 'default',
    connectAddr: 'localhost',
    connectProtocol: 'tcp',
    connectAttributes:
      file === undefined
        ? { mode: 'memory', cache: 'shared' }
        : { mode: 'rwc', setup: 'true', journal_mode: 'wal', synchronous: 'normal' },
    maxConns: 1,
    maxIdleConns: 1,
    maxConnLifetime: '0s',
  },
});

function tlsConfig(certificates: string, { requireClientAuth }: { requireClientAuth: boolean }) {
  const file = (name: string) => path.join(certificates, name);
  const ca = file(CA_FILE);
  const server = { certFile: file('server.crt'), keyFile: file('server.key'), requireClientAuth };
  const client = { serverName: 'localhost', rootCaFiles: [ca] };
  return {
    // How soon the server uses a certificate that has been replaced.
    refreshInterval: '1s',
    ...(requireClientAuth
      ? {
          frontend: { server: { ...server, clientCaFiles: [ca] }, client },
          // The server's own workers are clients of its frontend.
          systemWorker: {
            certFile: file('client-worker.crt'),
            keyFile: file('client-worker.key'),
            client,
          },
        }
      : { frontend: { server } }),
  };
}

const apiKeyConfig = (keySet: string) => ({
  jwtKeyProvider: { keySourceURIs: [`file://${keySet}`] },
  permissionsClaimName: 'permissions',
  authorizer: 'default',
  claimMapper: 'default',
});

/** How a client with the operator's certificate, or with an API key, connects. */
export function connectionOptions(
  frontendPort: number,
  { certificates, apiKey }: { readonly certificates: string; readonly apiKey?: string },
): ConnectionOptions {
  const file = (name: string) => readFileSync(path.join(certificates, name));
  return {
    address: `localhost:${frontendPort}`,
    tls: {
      serverRootCACertificate: file(CA_FILE),
      ...(apiKey === undefined
        ? {
            clientCertPair: { crt: file('client-operator.crt'), key: file('client-operator.key') },
          }
        : {}),
    },
    ...(apiKey === undefined ? {} : { apiKey }),
  };
}

/** Throws until the server answers and has the namespace, which it creates. */
export async function probeSecuredTemporal(options: ConnectionOptions): Promise<void> {
  const connection = await Connection.connect({
    ...options,
    connectTimeout: '2s',
    channelArgs: RECONNECT_SOON,
    interceptors: [],
  });
  try {
    await connection.operatorService.listSearchAttributes({ namespace: NAMESPACE });
  } catch (error) {
    await registerNamespace(options);
    throw error;
  } finally {
    await connection.close();
  }
}
