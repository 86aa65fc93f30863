import { isGrpcServiceError } from '@temporalio/client';
import { status, type ServiceError } from '@grpc/grpc-js';
import type { Environment } from '../config/read-settings.ts';
import type { ErrorCode } from '../program/error-codes.ts';
import { describeError, OperatorError } from '../program/operator-error.ts';

/** The gRPC error behind an error of the SDK's client, which wraps it; undefined when there is none. */
export function grpcErrorOf(error: unknown): ServiceError | undefined {
  if (isGrpcServiceError(error)) return error;
  return error instanceof Error && error.cause !== undefined ? grpcErrorOf(error.cause) : undefined;
}

export const hasCode = (error: unknown, code: status): boolean => grpcErrorOf(error)?.code === code;

/** Whether Temporal throttles: a rate limit, or a database that cannot keep up. */
export const isThrottled = (error: unknown): boolean => hasCode(error, status.RESOURCE_EXHAUSTED);

/**
 * Explains by its gRPC status why a call to Temporal failed and how to fix it. A server that rejects a
 * call is not reported as unreachable.
 */
export function temporalFailed(
  { address, namespace }: { readonly address: string; readonly namespace: string },
  error: unknown,
): OperatorError {
  if (error instanceof OperatorError) return error;
  const grpcError = grpcErrorOf(error);
  const reason = grpcError ? grpcError.details || grpcError.message : describeError(error);
  const temporal = `Temporal at ${address}`;
  // grpc-js reads the proxy variables from the process, too.
  const proxy = proxyHint(address, process.env);
  const failure = (code: ErrorCode, problem: string, fix: string) =>
    new OperatorError(code, `${temporal} ${problem}: ${reason}`, fix, { cause: error });
  switch (grpcError?.code) {
    case status.UNAUTHENTICATED:
      return failure(
        'TEMPORAL_LOGIN_REJECTED',
        'rejected the credentials (UNAUTHENTICATED)',
        'set TEMPORAL_API_KEY, or TEMPORAL_TLS_CLIENT_CERT_PATH and TEMPORAL_TLS_CLIENT_KEY_PATH, to valid credentials that have not expired',
      );
    case status.PERMISSION_DENIED:
      return failure(
        'TEMPORAL_PERMISSION_DENIED',
        'denied permission (PERMISSION_DENIED)',
        `check that TEMPORAL_API_KEY or the client certificate may read and write the namespace "${namespace}", and that TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE belong together`,
      );
    case status.UNIMPLEMENTED:
      return failure(
        'TEMPORAL_CALL_UNKNOWN',
        'does not implement the call (UNIMPLEMENTED)',
        'check that TEMPORAL_ADDRESS is the address of a Temporal frontend, and upgrade the server if it is old',
      );
    case status.NOT_FOUND:
      return failure(
        'TEMPORAL_NOT_FOUND',
        'found nothing under the name or ID (NOT_FOUND)',
        `check TEMPORAL_NAMESPACE ("${namespace}")`,
      );
    case status.INVALID_ARGUMENT:
    case status.FAILED_PRECONDITION:
    case status.OUT_OF_RANGE:
      return failure(
        'TEMPORAL_REQUEST_INVALID',
        `rejected the request as invalid (${status[grpcError.code]})`,
        'correct --query if you used it, or the setting that the message names',
      );
    case status.RESOURCE_EXHAUSTED:
      return failure(
        'TEMPORAL_THROTTLED',
        'throttled the request (RESOURCE_EXHAUSTED)',
        "try again later, or raise the limit: frontend.namespaceRPS, or in Temporal Cloud the namespace's limit",
      );
    case status.DEADLINE_EXCEEDED:
      return failure(
        'TEMPORAL_TIMEOUT',
        'did not respond in time (DEADLINE_EXCEEDED)',
        `check TEMPORAL_ADDRESS, the load on the server and its database, and the network${proxy}`,
      );
    case status.INTERNAL:
    case status.UNKNOWN:
    case status.DATA_LOSS:
    case status.ABORTED:
      return failure(
        'TEMPORAL_FAILED',
        `failed (${status[grpcError.code]})`,
        "check the server's log and its database, then try again",
      );
    case status.UNAVAILABLE:
    case status.CANCELLED:
    case status.ALREADY_EXISTS:
    case status.OK:
    case undefined:
      return failure(
        'TEMPORAL_UNREACHABLE',
        'is unreachable',
        `check TEMPORAL_ADDRESS, that the server is running, and TEMPORAL_TLS if the server expects TLS${proxy}`,
      );
  }
}

/** The variables that grpc-js 1.14 reads, in its order (http_proxy.js); it ignores capitalized names. */
const PROXY_VARIABLES = ['grpc_proxy', 'https_proxy', 'http_proxy'];

/** The variable that sends a gRPC connection through a proxy; undefined when none does. */
export function proxyVariable(address: string, env: Environment): string | undefined {
  const variable = PROXY_VARIABLES.find((name) => env[name]);
  const host = address.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1');
  const exempt = (env['no_grpc_proxy'] || env['no_proxy'] || '').split(',');
  return exempt.some((name) => name.trim() !== '' && host.endsWith(name.trim()))
    ? undefined
    : variable;
}

/** Ends the sentence about a failed connection; empty when no proxy is involved. */
function proxyHint(address: string, env: Environment): string {
  const variable = proxyVariable(address, env);
  return variable === undefined
    ? ''
    : `; ${variable} in the environment sends this connection through a proxy: to connect directly, add the host to no_proxy`;
}
