import { loadClientConnectConfig } from '@temporalio/envconfig';
import type { Environment } from '../config/read-settings.ts';
import { describeError, OperatorError } from '../program/operator-error.ts';

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
      `The Temporal connection settings cannot be read: ${describeError(error)}`,
      'correct the TEMPORAL_* variables or the temporal.toml; docs/configuration.md lists them',
      { cause: error },
    );
  }
}
