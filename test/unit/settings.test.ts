import { readFileSync } from 'node:fs';
import { configurationReference } from '../../src/config/configuration-reference.ts';
import { readSettings } from '../../src/config/read-settings.ts';
import { BRIDGE_ROLE, WORKER_ROLE } from '../../src/config/roles.ts';
import { settingsReport } from '../../src/config/settings-report.ts';
import { OperatorError } from '../../src/program/operator-error.ts';

const mistakesOf = (read: () => unknown): string => {
  try {
    read();
  } catch (error) {
    if (error instanceof OperatorError) return error.message;
    throw error;
  }
  return '';
};

describe('settings', () => {
  test('have defaults for all but the addresses', () => {
    const bridge = readSettings(BRIDGE_ROLE, { KAFKA_BROKERS: 'a:1, b:2' });
    expect(bridge.kafka.brokers).toEqual(['a:1', 'b:2']);
    expect(bridge.bridge).toMatchObject({ groupId: 'storage_loader', sessionTimeoutMs: 15_000 });
    const worker = readSettings(WORKER_ROLE, { DATABASE_URL: 'postgres://u:p@h/d' });
    expect(worker.temporal.taskQueue).toBe('order-ingest');
  });

  test('ask the bridge for no database and the worker for no Kafka', () => {
    expect(mistakesOf(() => readSettings(BRIDGE_ROLE, {}))).not.toContain('DATABASE');
    expect(mistakesOf(() => readSettings(WORKER_ROLE, {}))).not.toContain('KAFKA');
  });

  test('refuse a worker that keeps no workflow: the SDK would begin each again and again', () => {
    const env = { DATABASE_URL: 'postgres://u:p@h/d', WORKER_MAX_CACHED_WORKFLOWS: '0' };
    expect(mistakesOf(() => readSettings(WORKER_ROLE, env))).toContain(
      'expected an integer from 1 to 100000, got "0"',
    );
  });

  test('report all mistakes at once and by name', () => {
    const env = {
      KAFKA_BROKERS: 'kafka',
      KAFKA_SESSION_TIMEOUT_MS: 'soon',
      KAFKA_AUTO_OFFSET_RESET: 'newest',
      KAFKA_TOPIC: 'no spaces',
      LOG_LEVEL: 'loud',
    };
    const message = mistakesOf(() => readSettings(BRIDGE_ROLE, env));
    for (const name of Object.keys(env)) expect(message).toContain(name);
    expect(message).toContain('expected an integer from 6000 to 1800000, got "soon"');
    expect(message.split('\n')).toHaveLength(6);
  });

  test('never show a secret, right or wrong', () => {
    const env = { DATABASE_URL: 'mysql://user:hunter2@host/db' };
    expect(mistakesOf(() => readSettings(WORKER_ROLE, env))).not.toContain('hunter2');
    expect(settingsReport(env)).not.toContain('hunter2');
    expect(settingsReport(env)).toContain('DATABASE_URL=********  # WRONG: expected a URL');
  });

  test('count as unset when they are empty', () => {
    expect(readSettings(BRIDGE_ROLE, { KAFKA_BROKERS: 'a:1', KAFKA_TOPIC: '' }).kafka.topic).toBe(
      'orders',
    );
  });

  test('are all in docs/configuration.md, which is up to date (npm run docs)', () => {
    const file = new URL('../../docs/configuration.md', import.meta.url);
    expect(readFileSync(file, 'utf8')).toBe(configurationReference());
  });
});
