import { status } from '@grpc/grpc-js';
import { OperatorError } from '../../../src/program/operator-error.ts';
import { temporalFailed } from '../../../src/temporal/temporal-error.ts';

const target = { address: 'temporal:7233', namespace: 'orders' };

/** As grpc-js throws it. */
const grpcError = (code: status, details: string) =>
  Object.assign(new Error(`${code} ${status[code]}: ${details}`), { code, details, metadata: {} });

test.each([
  [status.PERMISSION_DENIED, /refuses the call \(PERMISSION_DENIED\): why/, /namespace "orders"/],
  [status.UNAUTHENTICATED, /does not accept the credentials/, /TEMPORAL_API_KEY/],
  [status.UNIMPLEMENTED, /does not know the call/, /update the server/],
  [status.NOT_FOUND, /NOT_FOUND/, /TEMPORAL_NAMESPACE/],
  [status.INVALID_ARGUMENT, /refuses the request as invalid/, /--query/],
  [status.RESOURCE_EXHAUSTED, /throttles/, /frontend\.namespaceRPS/],
  [status.DEADLINE_EXCEEDED, /has not answered in time/, /load of the server/],
  [status.INTERNAL, /has failed \(INTERNAL\)/, /log of the server/],
  [status.UNAVAILABLE, /cannot be reached: why/, /TEMPORAL_ADDRESS/],
])('an error of status %i says what it is, and how to fix it', (code, message, remedy) => {
  const error = temporalFailed(target, grpcError(code, 'why'));
  expect(error.message).toMatch(message);
  expect(error.message).toContain('temporal:7233');
  expect(error.fix).toMatch(remedy);
});

test('the status of an error that the client has wrapped counts', () => {
  const cause = grpcError(status.PERMISSION_DENIED, 'why');
  expect(temporalFailed(target, new Error('Failed to count', { cause })).message).toContain(
    'refuses the call (PERMISSION_DENIED): why',
  );
});

test('anything else is a server that cannot be reached, and an OperatorError stays itself', () => {
  expect(temporalFailed(target, new Error('Failed to connect')).message).toContain(
    'cannot be reached: Failed to connect',
  );
  const error = new OperatorError('KAFKA_UNREACHABLE', 'a', 'b');
  expect(temporalFailed(target, error)).toBe(error);
});
