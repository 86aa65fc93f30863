import { loadClientConnectConfig } from '@temporalio/envconfig';
import type { Environment } from '../config/read-settings.ts';
import { describeError, OperatorError } from '../program/operator-error.ts';

/** In the order in which grpc-js 1.14 looks at them (http_proxy.js); it knows no capital letters. */
const PROXY_VARIABLES = ['grpc_proxy', 'https_proxy', 'http_proxy'];

/** The variable that sends a gRPC connection through a proxy; undefined when nothing does. */
export function proxyVariable(address: string, env: Environment): string | undefined {
  const variable = PROXY_VARIABLES.find((name) => env[name]);
  const host = address.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1');
  const exempt = (env['no_grpc_proxy'] || env['no_proxy'] || '').split(',');
  return exempt.some((name) => name.trim() !== '' && host.endsWith(name.trim()))
    ? undefined
    : variable;
}

/** The end of a sentence about a connection that failed; empty when no proxy is involved. */
export function proxyHint(address: string, env: Environment): string {
  const variable = proxyVariable(address, env);
  return variable === undefined
    ? ''
    : `; ${variable} in the environment sends this connection through a proxy: to connect directly, add the host to no_proxy`;
}

export type TemporalTarget = ReturnType<typeof loadClientConnectConfig>['connectionOptions'] & {
  readonly address: string;
  readonly namespace: string;
};

const DEFAULT_ADDRESS = 'localhost:7233';
const DEFAULT_NAMESPACE = 'default';

/**
 * Where and how to reach Temporal, from `TEMPORAL_*` variables and `temporal.toml` as Temporal's
 * own tools read them. Throws an OperatorError when they cannot be read.
 */
export function temporalTarget(env: Environment): TemporalTarget {
  try {
    const { connectionOptions, namespace } = loadClientConnectConfig({
      overrideEnvVars: Object.fromEntries(
        Object.entries(env).flatMap(([name, value]) => (value ? [[name, value]] : [])),
      ),
    });
    return {
      ...connectionOptions,
      address: connectionOptions.address ?? DEFAULT_ADDRESS,
      namespace: namespace ?? DEFAULT_NAMESPACE,
    };
  } catch (error) {
    throw new OperatorError(
      'SETTINGS_INVALID',
      `The Temporal connection settings cannot be read: ${describeError(error)}`,
      'correct the TEMPORAL_* variables or the temporal.toml; docs/configuration.md lists them',
      { cause: error },
    );
  }
}
