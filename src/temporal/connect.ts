import { Client, Connection } from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { InterceptingCall, status, type Interceptor } from '@grpc/grpc-js';
import { readSettings, type Environment } from '../config/read-settings.ts';
import { temporalConnectionSettings } from '../config/temporal-settings.ts';
import { describeError, OperatorError } from '../program/operator-error.ts';
import { hasCode, temporalFailed } from './temporal-error.ts';

/** Address, namespace and credentials of a Temporal server. */
export type TemporalTarget = ReturnType<typeof loadClientConnectConfig>['connectionOptions'] & {
  readonly address: string;
  readonly namespace: string;
};

const DEFAULT_ADDRESS = 'localhost:7233';
const DEFAULT_NAMESPACE = 'default';

/**
 * Reads where and how to reach Temporal from the `TEMPORAL_*` variables and `temporal.toml`, as
 * Temporal's own tools do. Throws an OperatorError when they are invalid.
 */
export function temporalTarget(env: Environment): TemporalTarget {
  try {
    const { connectionOptions, namespace } = loadClientConnectConfig({
      overrideEnvVars: Object.fromEntries(
        Object.entries({ ...env, ...apiKeyVariables(env) }).flatMap(([name, value]) =>
          value ? [[name, value]] : [],
        ),
      ),
    });
    return {
      ...connectionOptions,
      address: connectionOptions.address ?? DEFAULT_ADDRESS,
      namespace: namespace ?? DEFAULT_NAMESPACE,
    };
  } catch (error) {
    if (error instanceof OperatorError) throw error;
    throw new OperatorError(
      'SETTINGS_INVALID',
      `The Temporal connection settings cannot be read: ${describeError(error)}`,
      'correct the TEMPORAL_* variables or temporal.toml; docs/configuration.md lists them',
      { cause: error },
    );
  }
}

/** `@temporalio/envconfig` does not know `TEMPORAL_API_KEY_FILE`. */
function apiKeyVariables(env: Environment): Environment {
  const { apiKey } = readSettings({ temporal: API_KEY }, env).temporal;
  return { TEMPORAL_API_KEY: apiKey?.current() };
}

const API_KEY = { apiKey: temporalConnectionSettings.apiKey } as const;

const CONNECT_TIMEOUT_MS = 5000;
/** The deadline of a call that sets none. Without one, the SDK would wait indefinitely. */
const CALL_TIMEOUT_MS = 30_000;

/**
 * Connects to Temporal and checks that the namespace exists. Calls on this connection are not retried
 * by the SDK, whose retries would hide an outage for half a minute: the caller decides. Every call has
 * a deadline, 30 s unless it sets another.
 * Throws an OperatorError when the server is unreachable, rejects the call, or has no such namespace.
 */
export async function connectTemporal(target: TemporalTarget): Promise<Client> {
  const { address, namespace, ...options } = target;
  const connection = await Connection.connect({
    address,
    ...(options.tls === undefined ? {} : { tls: options.tls }),
    ...(options.apiKey === undefined ? {} : { apiKey: options.apiKey }),
    ...(options.metadata === undefined ? {} : { metadata: options.metadata }),
    connectTimeout: CONNECT_TIMEOUT_MS,
    interceptors: [withDefaultDeadline],
  }).catch((error: unknown) => {
    throw temporalFailed(target, error);
  });
  try {
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
    throw temporalFailed(target, error);
  }
  return new Client({ connection, namespace });
}

const withDefaultDeadline: Interceptor = (options, nextCall) =>
  new InterceptingCall(
    nextCall({ ...options, deadline: options.deadline ?? Date.now() + CALL_TIMEOUT_MS }),
  );
