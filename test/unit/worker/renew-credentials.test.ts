import { jest } from '@jest/globals';
import { status } from '@grpc/grpc-js';
import { pino } from 'pino';
import type { ConnectionSettings } from '../../../src/temporal/connection-settings.ts';
import { openCodec } from '../../../src/temporal/open-codec.ts';
import { RENEWAL_CHECK_MS } from '../../../src/temporal/renewed-settings.ts';
import { renewCredentials } from '../../../src/worker/renew-credentials.ts';

const withKey = (apiKey: string): ConnectionSettings => ({
  address: 'localhost:7233',
  namespace: 'default',
  metadata: {},
  apiKey,
  tls: undefined,
  grpcCompression: 'none',
});

let events: string[];
let latest: ConnectionSettings;
let stop: () => void;
const renew = jest.fn<(settings: ConnectionSettings) => Promise<void>>();

beforeEach(() => {
  jest.useFakeTimers();
  renew.mockReset().mockResolvedValue();
  events = [];
  latest = withKey('key-1');
  const target = { ...latest, settings: latest, read: () => latest, codec: openCodec({}) };
  const logger = pino(
    { base: null },
    { write: (line) => void events.push((JSON.parse(line) as { event: string }).event) },
  );
  stop = renewCredentials(() => ({ renew }), target, logger);
});
afterEach(() => {
  stop();
  jest.useRealTimers();
});

test('the running worker gets renewed credentials', async () => {
  latest = withKey('key-2');
  await jest.advanceTimersByTimeAsync(RENEWAL_CHECK_MS);
  expect(renew).toHaveBeenLastCalledWith(withKey('key-2'));
  expect(events).toEqual(['temporal_credentials_renewed']);
});

test('credentials that the server rejects are tried again, and reported once', async () => {
  const denied = Object.assign(new Error('denied'), {
    code: status.PERMISSION_DENIED,
    details: 'denied',
    metadata: {},
  });
  renew.mockRejectedValue(denied);
  await jest.advanceTimersByTimeAsync(3 * RENEWAL_CHECK_MS);
  expect(renew).toHaveBeenCalledTimes(3);
  expect(events).toEqual(['temporal_credentials_rejected']);
  renew.mockResolvedValue();
  await jest.advanceTimersByTimeAsync(RENEWAL_CHECK_MS);
  expect(renew).toHaveBeenCalledTimes(4);
});
