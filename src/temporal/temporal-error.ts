import { isGrpcServiceError } from '@temporalio/client';
import { status, type ServiceError } from '@grpc/grpc-js';
import type { ErrorCode } from '../program/error-codes.ts';
import { describeError, OperatorError } from '../program/operator-error.ts';
import { proxyHint } from './connection-options.ts';

/** The error of gRPC itself, which the SDK's client wraps; undefined when there is none. */
export function grpcErrorOf(error: unknown): ServiceError | undefined {
  if (isGrpcServiceError(error)) return error;
  return error instanceof Error && error.cause !== undefined ? grpcErrorOf(error.cause) : undefined;
}

/**
 * Says why a call to Temporal failed and how to fix it, by its gRPC status: a server that refuses is
 * not one that cannot be reached.
 */
export function temporalFailed(
  { address, namespace }: { readonly address: string; readonly namespace: string },
  error: unknown,
): OperatorError {
  if (error instanceof OperatorError) return error;
  const grpcError = grpcErrorOf(error);
  const reason = grpcError ? grpcError.details || grpcError.message : describeError(error);
  const temporal = `Temporal at ${address}`;
  // grpc-js reads the variables of proxies from the process, too.
  const proxy = proxyHint(address, process.env);
  const failure = (code: ErrorCode, problem: string, fix: string) =>
    new OperatorError(code, `${temporal} ${problem}: ${reason}`, fix, { cause: error });
  switch (grpcError?.code) {
    case status.UNAUTHENTICATED:
      return failure(
        'TEMPORAL_LOGIN_REJECTED',
        'does not accept the credentials (UNAUTHENTICATED)',
        'set TEMPORAL_API_KEY, or TEMPORAL_TLS_CLIENT_CERT_PATH and TEMPORAL_TLS_CLIENT_KEY_PATH, to credentials that are valid and have not expired',
      );
    case status.PERMISSION_DENIED:
      return failure(
        'TEMPORAL_PERMISSION_DENIED',
        'refuses the call (PERMISSION_DENIED)',
        `check that TEMPORAL_API_KEY or the client certificate may read and write the namespace "${namespace}", and that TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE belong together`,
      );
    case status.UNIMPLEMENTED:
      return failure(
        'TEMPORAL_CALL_UNKNOWN',
        'does not know the call (UNIMPLEMENTED)',
        'check that TEMPORAL_ADDRESS is that of a Temporal frontend, and update the server if it is old',
      );
    case status.NOT_FOUND:
      return failure(
        'TEMPORAL_NOT_FOUND',
        'has not found what was asked for (NOT_FOUND)',
        `check TEMPORAL_NAMESPACE ("${namespace}")`,
      );
    case status.INVALID_ARGUMENT:
    case status.FAILED_PRECONDITION:
    case status.OUT_OF_RANGE:
      return failure(
        'TEMPORAL_REQUEST_INVALID',
        `refuses the request as invalid (${status[grpcError.code]})`,
        'correct --query if you gave one, or else the setting that the message names',
      );
    case status.RESOURCE_EXHAUSTED:
      return failure(
        'TEMPORAL_THROTTLED',
        'throttles (RESOURCE_EXHAUSTED)',
        "repeat it later, or raise the limit: frontend.namespaceRPS, in Temporal Cloud the namespace's limit",
      );
    case status.DEADLINE_EXCEEDED:
      return failure(
        'TEMPORAL_TIMEOUT',
        'has not answered in time (DEADLINE_EXCEEDED)',
        `check TEMPORAL_ADDRESS, the load of the server and of its database, and the network between${proxy}`,
      );
    case status.INTERNAL:
    case status.UNKNOWN:
    case status.DATA_LOSS:
    case status.ABORTED:
      return failure(
        'TEMPORAL_FAILED',
        `has failed (${status[grpcError.code]})`,
        'see the log of the server and the state of its database, and repeat it',
      );
    case status.UNAVAILABLE:
    case status.CANCELLED:
    case status.ALREADY_EXISTS:
    case status.OK:
    case undefined:
      return failure(
        'TEMPORAL_UNREACHABLE',
        'cannot be reached',
        `check TEMPORAL_ADDRESS, that the server runs, and TEMPORAL_TLS if it expects TLS${proxy}`,
      );
  }
}
