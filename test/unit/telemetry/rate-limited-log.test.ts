import { jest } from '@jest/globals';
import { logLevel } from 'kafkajs';
import { pino } from 'pino';
import { logThrough } from '../../../src/kafka/kafka-client.ts';
import { OutageLog } from '../../../src/telemetry/health/outage-log.ts';
import { RateLimitedLog } from '../../../src/telemetry/rate-limited-log.ts';
import { createManualClock, type ManualClock } from '../../support/manual-clock.ts';

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

describe('a rate-limited log', () => {
  let lines: { readonly level: number; readonly n: number; readonly leftOut?: number }[];
  let clock: ManualClock;
  let log: RateLimitedLog;
  beforeEach(() => {
    lines = [];
    clock = createManualClock();
    const write = (line: string) => void lines.push(JSON.parse(line) as never);
    log = new RateLimitedLog(pino({ base: null, level: 'debug' }, { write }), { clock });
  });
  const warn = (n: number, kind: string) => log.write('warn', { n }, 'a line', kind);
  const warnings = () => lines.filter(({ level }) => level === pino.levels.values['warn']);

  test('logs a repeated line once per interval, with the number of lines left out', () => {
    expect(warn(1, 'offset 7 is out of range')).toBe(true);
    expect(warn(2, 'offset 8 is out of range')).toBe(false);
    expect(warn(3, 'another line')).toBe(true);
    clock.advance(60_000);
    expect(warn(4, 'offset 9 is out of range')).toBe(true);
    expect(warnings().map(({ n, leftOut }) => [n, leftOut])).toEqual([
      [1, undefined],
      [3, undefined],
      [4, 1],
    ]);
  });

  test('logs repeats at level debug', () => {
    warn(1, 'the broker is down');
    warn(2, 'the broker is down');
    expect(lines.at(-1)).toMatchObject({ n: 2, level: pino.levels.values['debug'] });
  });

  test('logs every line again after a reset', () => {
    warn(1, 'the broker is down');
    log.reset();
    expect(warn(2, 'the broker is down')).toBe(true);
  });
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

test('an outage is logged when it begins, every 30 seconds, and when it ends', () => {
  const lines = linesOfAnHour(
    (logger) => {
      const log = new OutageLog('Kafka', logger);
      return (n) => {
        if (n < 7199) log.unavailable({ error: 'connect ECONNREFUSED' });
        else log.available();
      };
    },
    { perSecond: 2 },
  );
  expect(lines).toHaveLength(121);
  expect(lines[0]).toMatchObject({
    event: 'dependency_unavailable',
    dependency: 'Kafka',
    error: 'connect ECONNREFUSED',
  });
  expect(lines.at(-1)).toMatchObject({ event: 'dependency_available', seconds: 3600 });
});
