import { Client, Connection } from '@temporalio/client';
import { InterceptingCall, status, type Interceptor } from '@grpc/grpc-js';
import { OperatorError } from '../program/operator-error.ts';
import { hasCode } from './call-with-retry.ts';
import type { TemporalTarget } from './connection-options.ts';
import { temporalFailed } from './temporal-error.ts';

const CONNECT_TIMEOUT_MS = 5000;
/** Of a call without a deadline of its own; the SDK would wait indefinitely. */
const CALL_TIMEOUT_MS = 30_000;

/**
 * Connects to Temporal and checks that the namespace exists. The SDK does not retry calls on this
 * connection, which would hide an outage for half a minute: the caller decides. Each call ends by its
 * deadline, after 30 s if it sets none.
 * Throws an OperatorError when the server cannot be reached, refuses, or has no such namespace.
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
        `set TEMPORAL_NAMESPACE to one that exists, or create it: temporal operator namespace create --namespace ${namespace}`,
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
