import { Client, Connection } from '@temporalio/client';
import {
  compressionAlgorithms,
  InterceptingCall,
  status,
  type ChannelOptions,
  type Interceptor,
} from '@grpc/grpc-js';
import type { Environment } from '../config/read-settings.ts';
import { OperatorError } from '../program/operator-error.ts';
import { channelCredentials } from './channel-credentials.ts';
import { explainFailure } from './connection-failure.ts';
import { readConnectionSettings, type ConnectionSettings } from './connection-settings.ts';
import { renewSettings, type RenewalReport } from './renewed-settings.ts';
import { openCodec } from './open-codec.ts';
import type { EncryptionCodec } from './payload-codec.ts';
import { hasCode } from './temporal-error.ts';

/** Where and how to reach a Temporal server. */
export interface TemporalTarget {
  readonly address: string;
  readonly namespace: string;
  /** The settings when the program started. */
  readonly settings: ConnectionSettings;
  /** Reads the certificates, keys and the API key again. Throws an OperatorError when they are invalid. */
  readonly read: () => ConnectionSettings;
  /** Encrypts and decrypts payloads. There is always one: without keys, it says which key a payload needs. */
  readonly codec: EncryptionCodec;
}

/** Reads where and how to reach Temporal. Throws an OperatorError when the settings are invalid. */
export function temporalTarget(env: Environment): TemporalTarget {
  const settings = readConnectionSettings(env);
  const { address, namespace } = settings;
  // Errors and logs show it.
  if (address.includes('@')) {
    throw new OperatorError(
      'SETTINGS_INVALID',
      'TEMPORAL_ADDRESS must not contain a user name or password',
      'set it to host:port, and the credentials with TEMPORAL_API_KEY or TEMPORAL_TLS_CLIENT_CERT_PATH',
    );
  }
  return {
    address,
    namespace,
    settings,
    // A program stays with its server and namespace, even if its profile changes.
    read: () => stillProtected(settings, { ...readConnectionSettings(env), address, namespace }),
    codec: openCodec(env),
  };
}

/** A `temporal.toml` that is being replaced is missing for a moment, which must not turn off TLS. */
function stillProtected(initial: ConnectionSettings, latest: ConnectionSettings) {
  const hasLost = (part: 'tls' | 'apiKey') =>
    initial[part] !== undefined && latest[part] === undefined;
  if (!hasLost('tls') && !hasLost('apiKey')) return latest;
  throw new OperatorError(
    'SETTINGS_INVALID',
    'The settings of the Temporal connection no longer contain TLS or the API key',
    'restore temporal.toml, or restart the program to connect without them',
  );
}

const CONNECT_TIMEOUT_MS = 5000;
/** The deadline of a call that sets none. Without one, the SDK would wait indefinitely. */
const CALL_TIMEOUT_MS = 30_000;

/**
 * Connects to Temporal and checks that the namespace exists. Calls on this connection are not retried
 * by the SDK, whose retries would hide an outage for half a minute: the caller decides. Every call has
 * a deadline, 30 s unless it sets another.
 * Throws an OperatorError when the server is unreachable, rejects the call, or has no such namespace.
 */
export async function connectTemporal(
  target: TemporalTarget,
  report?: RenewalReport,
): Promise<Client> {
  const { address, namespace, codec } = target;
  const connection = openConnection(target, report);
  try {
    await connection.ensureConnected();
    await connection.withDeadline(Date.now() + CONNECT_TIMEOUT_MS, () =>
      connection.workflowService.describeNamespace({ namespace }),
    );
  } catch (error) {
    await connection.close();
    if (hasCode(error, status.NOT_FOUND)) {
      throw new OperatorError(
        'TEMPORAL_NAMESPACE_MISSING',
        `Temporal at ${address} has no namespace "${namespace}"`,
        `set TEMPORAL_NAMESPACE to an existing namespace, or create this one: temporal operator namespace create --namespace ${namespace}`,
        { cause: error },
      );
    }
    throw await explainFailure(target, error);
  }
  return new Client({ connection, namespace, dataConverter: { payloadCodecs: [codec] } });
}

function openConnection(
  { address, settings, read }: TemporalTarget,
  report: RenewalReport | undefined,
): Connection {
  const renewed = renewSettings(settings, read, report);
  const connection = Connection.lazy({
    address,
    credentials: channelCredentials(renewed),
    channelArgs: channelOptions(settings),
    // A copy, because the SDK adds its own headers to it.
    metadata: { ...settings.metadata },
    connectTimeout: CONNECT_TIMEOUT_MS,
    interceptors: [withDefaultDeadline],
  });
  if (settings.apiKey !== undefined) {
    connection.setApiKey(() => renewed.current().apiKey ?? '');
  }
  return connection;
}

const channelOptions = ({ tls, grpcCompression }: ConnectionSettings): ChannelOptions => ({
  ...(tls?.serverName === undefined
    ? {}
    : {
        'grpc.ssl_target_name_override': tls.serverName,
        'grpc.default_authority': tls.serverName,
      }),
  // The server compresses its answers as the requests are.
  ...(grpcCompression === 'gzip'
    ? { 'grpc.default_compression_algorithm': compressionAlgorithms.gzip }
    : {}),
});

const withDefaultDeadline: Interceptor = (options, nextCall) =>
  new InterceptingCall(
    nextCall({ ...options, deadline: options.deadline ?? Date.now() + CALL_TIMEOUT_MS }),
  );
