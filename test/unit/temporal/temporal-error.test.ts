import { status } from '@grpc/grpc-js';
import { OperatorError } from '../../../src/program/operator-error.ts';
import { proxyVariable, temporalFailed } from '../../../src/temporal/temporal-error.ts';

const target = { address: 'temporal:7233', namespace: 'orders' };

/** As grpc-js throws it. */
const grpcError = (code: status, details: string) =>
  Object.assign(new Error(`${code} ${status[code]}: ${details}`), { code, details, metadata: {} });

test.each([
  [status.PERMISSION_DENIED, 'TEMPORAL_PERMISSION_DENIED', /namespace "orders"/],
  [status.UNAUTHENTICATED, 'TEMPORAL_LOGIN_REJECTED', /TEMPORAL_API_KEY/],
  [status.UNIMPLEMENTED, 'TEMPORAL_CALL_UNKNOWN', /TEMPORAL_ADDRESS/],
  [status.NOT_FOUND, 'TEMPORAL_NOT_FOUND', /TEMPORAL_NAMESPACE/],
  [status.INVALID_ARGUMENT, 'TEMPORAL_REQUEST_INVALID', /--query/],
  [status.FAILED_PRECONDITION, 'TEMPORAL_REQUEST_INVALID', /--query/],
  [status.RESOURCE_EXHAUSTED, 'TEMPORAL_THROTTLED', /frontend\.namespaceRPS/],
  [status.DEADLINE_EXCEEDED, 'TEMPORAL_TIMEOUT', /TEMPORAL_ADDRESS/],
  [status.INTERNAL, 'TEMPORAL_FAILED', /log/],
  [status.UNAVAILABLE, 'TEMPORAL_UNREACHABLE', /TEMPORAL_TLS/],
])('gRPC status %i becomes %s, with the cause and a fix', (grpcStatus, code, fix) => {
  const error = temporalFailed(target, grpcError(grpcStatus, 'the cause'));
  expect(error).toMatchObject({ code, fix: expect.stringMatching(fix) });
  expect(error.message).toContain('temporal:7233');
  expect(error.message).toContain('the cause');
});

test("uses the gRPC status of an error that the SDK's client has wrapped", () => {
  const cause = grpcError(status.PERMISSION_DENIED, 'the cause');
  const error = temporalFailed(target, new Error('Failed to count', { cause }));
  expect(error.code).toBe('TEMPORAL_PERMISSION_DENIED');
  expect(error.message).toContain('the cause');
});

test('an error without a gRPC status means that the server is unreachable', () => {
  const error = temporalFailed(target, new Error('Failed to connect'));
  expect(error.code).toBe('TEMPORAL_UNREACHABLE');
  expect(error.message).toContain('Failed to connect');
});

test('keeps an OperatorError as it is', () => {
  const error = new OperatorError('KAFKA_UNREACHABLE', 'a', 'b');
  expect(temporalFailed(target, error)).toBe(error);
});

test('names the proxy variable that grpc-js would use', () => {
  const env = { http_proxy: 'http://proxy:3128' };
  expect(proxyVariable('temporal:7233', env)).toBe('http_proxy');
  expect(proxyVariable('temporal:7233', { ...env, no_proxy: 'a, temporal' })).toBeUndefined();
  expect(proxyVariable('temporal:7233', { HTTP_PROXY: 'http://proxy:3128' })).toBeUndefined();
});
