import { Client, Connection, isGrpcServiceError } from '@temporalio/client';
import { InterceptingCall, status, type Interceptor } from '@grpc/grpc-js';
import { describeError, OperatorError } from '../program/operator-error.ts';
import type { TemporalTarget } from './connection-options.ts';

const CONNECT_TIMEOUT_MS = 5000;
/** Of a call without a deadline of its own; the SDK would wait for ever. */
const CALL_TIMEOUT_MS = 30_000;

/**
 * Connects to Temporal and checks that the namespace is there. Calls on this connection are not
 * retried by the SDK, which would hide an outage for half a minute: who calls decides. Each ends by
 * its deadline, after 30 s if it sets none.
 * Throws an OperatorError when the server or the namespace cannot be reached.
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
    throw unreachable(target, error);
  });
  try {
    await connection.withDeadline(Date.now() + CONNECT_TIMEOUT_MS, () =>
      connection.workflowService.describeNamespace({ namespace }),
    );
  } catch (error) {
    await connection.close();
    if (isGrpcServiceError(error) && error.code === status.NOT_FOUND) {
      throw new OperatorError(
        `Temporal at ${address} has no namespace "${namespace}"`,
        `set TEMPORAL_NAMESPACE to one that exists, or make it: temporal operator namespace create --namespace ${namespace}`,
        { cause: error },
      );
    }
    throw unreachable(target, error);
  }
  return new Client({ connection, namespace });
}

const withDefaultDeadline: Interceptor = (options, nextCall) =>
  new InterceptingCall(
    nextCall({ ...options, deadline: options.deadline ?? Date.now() + CALL_TIMEOUT_MS }),
  );

export const unreachable = ({ address }: { address: string }, error: unknown): OperatorError =>
  new OperatorError(
    `Temporal at ${address} cannot be reached: ${describeError(error)}`,
    'check TEMPORAL_ADDRESS and that the server runs',
    { cause: error },
  );
