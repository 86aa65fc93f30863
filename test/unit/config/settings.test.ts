import { readFileSync } from 'node:fs';
import { configurationReference } from '../../../src/config/configuration-reference.ts';
import { readSettings, type Environment, type Role } from '../../../src/config/read-settings.ts';
import * as roles from '../../../src/config/roles.ts';
import { settingsReport } from '../../../src/config/settings-report.ts';
import { bridgeTimeoutMistakes, databaseTimeoutMistakes } from '../../../src/config/timeouts.ts';
import { OperatorError } from '../../../src/program/operator-error.ts';
import { STORE_ATTEMPT_MS } from '../../../src/worker/worker-options.ts';
import { REGULAR_OPTIONS } from '../../../src/workflows/retry-policies.ts';

const { BRIDGE_ROLE, WORKER_ROLE } = roles;

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
  test('have defaults, except for the addresses of Kafka and Postgres', () => {
    const bridge = readSettings(BRIDGE_ROLE, { KAFKA_BROKERS: 'a:1, b:2' });
    expect(bridge.kafka.brokers).toEqual(['a:1', 'b:2']);
    expect(bridge.bridge).toMatchObject({ groupId: 'storage_loader', sessionTimeoutMs: 15_000 });
    const worker = readSettings(WORKER_ROLE, { DATABASE_URL: 'postgres://u:p@h/d' });
    expect(worker.temporal.taskQueue).toBe('order-ingest');
  });

  test('require no database of the bridge and no Kafka of the worker', () => {
    expect(mistakesOf(() => readSettings(BRIDGE_ROLE, {}))).not.toContain('DATABASE');
    expect(mistakesOf(() => readSettings(WORKER_ROLE, {}))).not.toContain('KAFKA');
  });

  test('reject a worker without a workflow cache', () => {
    const env = { DATABASE_URL: 'postgres://u:p@h/d', WORKER_MAX_CACHED_WORKFLOWS: '0' };
    expect(mistakesOf(() => readSettings(WORKER_ROLE, env))).toContain(
      'expected an integer from 1 to 100000, got "0"',
    );
  });

  test('report all mistakes at once, each with its name', () => {
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

  test('never show a secret, whether it is valid or not', () => {
    const env = { DATABASE_URL: 'mysql://user:hunter2@host/db' };
    expect(mistakesOf(() => readSettings(WORKER_ROLE, env))).not.toContain('hunter2');
    expect(settingsReport(env)).not.toContain('hunter2');
    expect(settingsReport(env)).toContain('DATABASE_URL=********  # INVALID: expected a URL');
  });

  test('are wrong for a list of topics with an empty, a repeated or an invalid name', () => {
    const topics = (value: string) =>
      readSettings(BRIDGE_ROLE, { KAFKA_BROKERS: 'a:1', KAFKA_TOPIC: value }).kafka.topics;
    expect(topics(' orders-eu , orders-us')).toEqual(['orders-eu', 'orders-us']);
    expect(mistakesOf(() => topics('orders-eu,,orders-us'))).toContain('empty');
    expect(mistakesOf(() => topics('orders-eu,'))).toContain('empty');
    expect(mistakesOf(() => topics('orders,returns, orders'))).toContain('"orders" is repeated');
    expect(mistakesOf(() => topics('orders,or ders'))).toContain('1 to 249');
    expect(mistakesOf(() => topics('orders.dead-letter,orders'))).toContain('dead-letter topic');
  });

  describe('of topics, for every command that reads them,', () => {
    const rolesOfKafka = Object.entries(roles).filter(([, role]) => 'kafka' in role);
    const mistakesIn = (role: Role, env: Environment) =>
      mistakesOf(() =>
        readSettings(role, { KAFKA_BROKERS: 'a:1', DATABASE_URL: 'postgres://h/d', ...env }),
      );

    test('are those of some roles', () => {
      expect(rolesOfKafka.length).toBeGreaterThan(4);
    });

    test.each(rolesOfKafka)('are wrong if orders and dead letters share one: %s', (_, role) => {
      const shared = { KAFKA_DEAD_LETTER_TOPIC: 'returns' };
      expect(mistakesIn(role, { KAFKA_TOPIC: 'returns', ...shared })).toContain('"returns"');
      expect(mistakesIn(role, { KAFKA_TOPIC: 'orders,returns', ...shared })).toContain('"returns"');
      expect(mistakesIn(role, { KAFKA_TOPIC: 'orders', ...shared })).toBe('');
    });

    test.each(rolesOfKafka)('are wrong if orders and requeue marks share one: %s', (_, role) => {
      for (const env of [
        { KAFKA_TOPIC: 'dead.replayed', KAFKA_DEAD_LETTER_TOPIC: 'dead' },
        { KAFKA_TOPIC: 'orders,dead.replayed', KAFKA_DEAD_LETTER_TOPIC: 'dead' },
        { KAFKA_TOPIC: 'orders.dead-letter.replayed,orders' },
      ]) {
        expect(mistakesIn(role, env)).toContain('.replayed"');
      }
      expect(mistakesIn(role, { KAFKA_TOPIC: 'orders,orders.replayed' })).toBe('');
    });
  });

  test('count as unset when empty', () => {
    expect(
      readSettings(BRIDGE_ROLE, { KAFKA_BROKERS: 'a:1', KAFKA_TOPIC: '' }).kafka.topics,
    ).toEqual(['orders']);
  });

  test('are all in docs/configuration.md (npm run docs)', () => {
    const file = new URL('../../../docs/configuration.md', import.meta.url);
    expect(readFileSync(file, 'utf8')).toBe(configurationReference());
  });
});

describe('contradicting timeouts', () => {
  const bridgeMistakes = (env: Readonly<Record<string, string>>) =>
    mistakesOf(() =>
      readSettings(BRIDGE_ROLE, { KAFKA_BROKERS: 'a:1', ...env }, ({ bridge }) =>
        bridgeTimeoutMistakes(bridge),
      ),
    );
  const workerMistakes = (env: Readonly<Record<string, string>>) =>
    mistakesOf(() =>
      readSettings(WORKER_ROLE, { DATABASE_URL: 'postgres://h/d', ...env }, ({ database }) =>
        databaseTimeoutMistakes(database, STORE_ATTEMPT_MS),
      ),
    );

  test.each([
    [{ KAFKA_HEARTBEAT_INTERVAL_MS: '5001' }, /HEARTBEAT.*\(5001\).*SESSION.*\(15000\)/],
    [{ KAFKA_REBALANCE_TIMEOUT_MS: '8999' }, /HEARTBEAT.*\(3000\).*REBALANCE.*\(8999\)/],
    [{ KAFKA_POLL_TIMEOUT_MS: '5001' }, /POLL_TIMEOUT.*\(5001\).*SESSION.*\(15000\)/],
    [
      { KAFKA_POLL_TIMEOUT_MS: '5000', KAFKA_REBALANCE_TIMEOUT_MS: '14999' },
      /POLL_TIMEOUT.*\(5000\).*REBALANCE.*\(14999\)/,
    ],
    [{ BRIDGE_SHUTDOWN_GRACE_MS: '30001' }, /GRACE.*\(30001\).*REBALANCE.*\(30000\)/],
  ])('are rejected by the bridge: %p', (env, message) => {
    expect(bridgeMistakes(env)).toMatch(message);
  });

  test('are rejected by the worker', () => {
    const env = { DATABASE_CONNECT_TIMEOUT_MS: '5000', DATABASE_STATEMENT_TIMEOUT_MS: '25000' };
    expect(workerMistakes(env)).toMatch(/CONNECT.*\(5000\) and .*STATEMENT.*\(25000\) .* 30000 ms/);
    expect(workerMistakes({ ...env, DATABASE_CONNECT_TIMEOUT_MS: '4999' })).toBe('');
    const severalHosts = { ...env, DATABASE_URL: 'postgres://h,i/d' };
    expect(workerMistakes({ ...severalHosts, DATABASE_CONNECT_TIMEOUT_MS: '2500' })).toMatch(
      /2 hosts/,
    );
    expect(workerMistakes({ ...severalHosts, DATABASE_CONNECT_TIMEOUT_MS: '2499' })).toBe('');
    expect(REGULAR_OPTIONS.startToCloseTimeout).toBe(`${STORE_ATTEMPT_MS / 1000}s`);
  });

  test('are reported together with other mistakes', () => {
    const mistakes = bridgeMistakes({
      BRIDGE_SHUTDOWN_GRACE_MS: '60000',
      KAFKA_SESSION_TIMEOUT_MS: 'soon',
      KAFKA_TOPIC: '?',
    });
    expect(mistakes).toContain('3 settings are wrong');
    expect(mistakes).not.toContain('NaN');
  });

  test('do not occur among the defaults', () => {
    expect(bridgeMistakes({})).toBe('');
    expect(workerMistakes({})).toBe('');
  });
});
