import { jest } from '@jest/globals';
import { logLevel } from 'kafkajs';
import { pino } from 'pino';
import { logThrough } from '../../../src/kafka/kafka-client.ts';
import { ConnectionLog, ConnectionState } from '../../../src/kafka/consumer/connection-state.ts';
import { createLogRateLimit } from '../../../src/telemetry/log-rate-limit.ts';
import { createManualClock } from '../../support/manual-clock.ts';

beforeEach(() => {
  jest.useFakeTimers();
});
afterEach(() => {
  jest.useRealTimers();
});

const HOUR_MS = 3_600_000;

/** The lines logged in an hour in which the logger is used `perSecond` times per second. */
function linesOfAnHour(
  use: (logger: pino.Logger) => (n: number) => void,
  { perSecond, level = 'info' }: { readonly perSecond: number; readonly level?: string },
): readonly Record<string, unknown>[] {
  const lines: Record<string, unknown>[] = [];
  const logger = pino(
    { level },
    { write: (line: string) => lines.push(JSON.parse(line) as Record<string, unknown>) },
  );
  const once = use(logger);
  for (let n = 0; n < (HOUR_MS / 1000) * perSecond; n += 1) {
    once(n);
    jest.advanceTimersByTime(1000 / perSecond);
  }
  return lines;
}

test('a repeated line is logged once per interval, with the number of suppressed lines', () => {
  const clock = createManualClock();
  const limit = createLogRateLimit({ clock });
  expect(limit.admit('offset 7 is out of range')).toBe(0);
  expect(limit.admit('offset 8 is out of range')).toBeUndefined();
  expect(limit.admit('another line')).toBe(0);
  clock.advance(60_000);
  expect(limit.admit('offset 9 is out of range')).toBe(1);
});

test('every line is logged again after a reset', () => {
  const limit = createLogRateLimit({ clock: createManualClock() });
  limit.admit('the broker is down');
  limit.reset();
  expect(limit.admit('the broker is down')).toBe(0);
});

/** Logs what kafkajs logs while brokers are down. */
const kafkajs = (logger: pino.Logger) => {
  const log = logThrough(logger);
  return (n: number) => {
    for (const message of [
      'Connection error: connect ECONNREFUSED 127.0.0.1:9092',
      `Crash: ${n}`,
    ]) {
      const timestamp = new Date().toISOString();
      log({
        namespace: 'Connection',
        level: logLevel.ERROR,
        label: 'ERROR',
        log: { message, timestamp },
      });
    }
  };
};

test("in an outage of an hour, each of kafkajs's lines is logged once per minute", () => {
  const lines = linesOfAnHour(kafkajs, { perSecond: 5 });
  expect(lines).toHaveLength(2 * 60);
  expect(lines.at(-1)).toMatchObject({ event: 'kafka_client', leftOut: 299, msg: 'Crash: 17700' });
});

test('at log level debug, all lines of kafkajs are logged', () => {
  expect(linesOfAnHour(kafkajs, { perSecond: 1, level: 'debug' })).toHaveLength(2 * 3600);
});

test('an outage of Kafka is logged when it begins, once per minute, and when it ends', () => {
  const lines = linesOfAnHour(
    (logger) => {
      const state = new ConnectionState();
      const log = new ConnectionLog(logger);
      return (n) => {
        if (n < 7199) state.fetchFailed('1', new Error('connect ECONNREFUSED'));
        else state.fetched('1', ['1']);
        log.update(state);
      };
    },
    { perSecond: 2 },
  );
  expect(lines).toHaveLength(61);
  expect(lines[0]).toMatchObject({
    event: 'dependency_unavailable',
    dependency: 'Kafka',
    error: 'fetching from broker 1 fails: connect ECONNREFUSED',
  });
  expect(lines.at(-1)).toMatchObject({ event: 'dependency_available', seconds: 3600 });
});
