import { jest } from '@jest/globals';
import type { ConnectionSettings } from '../../../src/temporal/connection-settings.ts';
import { RENEWAL_CHECK_MS, renewSettings } from '../../../src/temporal/renewed-settings.ts';

const withKey = (apiKey: string): ConnectionSettings => ({
  address: 'localhost:7233',
  namespace: 'default',
  metadata: {},
  apiKey,
  tls: undefined,
  grpcCompression: 'none',
});

beforeEach(() => {
  jest.useFakeTimers();
});
afterEach(() => {
  jest.useRealTimers();
});

function renewed() {
  let read = () => withKey('key-1');
  const events: string[] = [];
  const settings = renewSettings(withKey('key-1'), () => read(), {
    onRenewed: () => events.push('renewed'),
    onUnreadable: (error) => events.push(String(error)),
  });
  const readFrom = (next: () => ConnectionSettings) => {
    read = next;
  };
  return { settings, events, readFrom };
}

test('settings are read again by their first use: a connection may be opened days after the start', () => {
  const { settings, events, readFrom } = renewed();
  readFrom(() => withKey('key-2'));
  expect(settings.current().apiKey).toBe('key-2');
  expect(events).toEqual(['renewed']);
});

test('settings are read again after five seconds', () => {
  const { settings, events, readFrom } = renewed();
  settings.current();
  readFrom(() => withKey('key-2'));
  expect(settings.current().apiKey).toBe('key-1');
  jest.advanceTimersByTime(RENEWAL_CHECK_MS);
  expect(settings.current().apiKey).toBe('key-2');
  expect(events).toEqual(['renewed']);
});

test('settings that are invalid do not replace valid ones, and are reported once', () => {
  const { settings, events, readFrom } = renewed();
  readFrom(() => {
    throw new Error('no such file');
  });
  for (const apiKey of ['key-1', 'key-1', 'key-1']) {
    jest.advanceTimersByTime(RENEWAL_CHECK_MS);
    expect(settings.current().apiKey).toBe(apiKey);
  }
  expect(events).toEqual(['Error: no such file']);
  readFrom(() => withKey('key-2'));
  jest.advanceTimersByTime(RENEWAL_CHECK_MS);
  expect(settings.current().apiKey).toBe('key-2');
});

test('whoever watches gets renewed settings, until the watch ends', () => {
  const { settings, readFrom } = renewed();
  const keys: (string | undefined)[] = [];
  const unwatch = settings.watch(({ apiKey }) => keys.push(apiKey));
  jest.advanceTimersByTime(2 * RENEWAL_CHECK_MS);
  readFrom(() => withKey('key-2'));
  jest.advanceTimersByTime(2 * RENEWAL_CHECK_MS);
  unwatch();
  readFrom(() => withKey('key-3'));
  jest.advanceTimersByTime(2 * RENEWAL_CHECK_MS);
  expect(keys).toEqual(['key-2']);
  expect(jest.getTimerCount()).toBe(0);
});
