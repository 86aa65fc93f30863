import { createServer } from 'node:net';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { ErrorCode } from '../../src/program/error-codes.ts';
import { eventually } from '../support/eventually.ts';
import { orderText } from '../support/messages.ts';
import { runCli, runCliUnread } from '../support/programs.ts';
import { stackAddress, uniqueName } from '../support/stack.ts';
import { createTestDatabase } from '../support/database.ts';
import { createTestSystem, type TestSystem } from '../support/system.ts';

let system: TestSystem;
let dir: string;
beforeAll(async () => {
  system = await createTestSystem();
  dir = mkdtempSync(path.join(os.tmpdir(), 'order-ingest-test-'));
});
afterAll(async () => {
  rmSync(dir, { recursive: true });
  await system.close();
});

/** An error that a user can fix is printed with a code and a fix, without a stack trace. */
function expectPlainError(
  result: { exitCode: number | undefined; stderr: string },
  code: ErrorCode,
  text: string | RegExp,
) {
  expect(result.exitCode).toBe(1);
  expect(result.stderr).toContain(`order-ingest: ${code}: `);
  expect(result.stderr).toMatch(text);
  expect(result.stderr).toContain('Fix: ');
  expect(result.stderr).not.toMatch(/^ +at /m);
}

/** A port on which nothing listens. */
async function closedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address ? address.port : 0;
}

describe('the command line', () => {
  test('reports all missing settings of a command at once', async () => {
    const bridge = await runCli(['bridge'], {});
    expectPlainError(bridge, 'SETTINGS_INVALID', 'KAFKA_BROKERS');
    expect(bridge.stderr).not.toContain('DATABASE_URL');
    const worker = await runCli(['worker'], {});
    expectPlainError(worker, 'SETTINGS_INVALID', 'DATABASE_URL');
    expect(worker.stderr).not.toContain('KAFKA');
  });

  test('prints a stack trace with --verbose, and completes commands and options', async () => {
    const { exitCode, stderr } = await runCli(['--verbose', 'lag'], {});
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/Fix: [^]*\n +at /);
    const complete = async (...words: string[]) =>
      (await runCli(['complete', '--', ...words], {})).stdout;
    expect(await complete('orders', 're')).toMatch(/^rerun\t[^]*retry-now\t/);
    expect(await complete('orders', 'list', '--status', '')).toContain('timed-out');
    expect(await complete('lag', '--w')).toContain('--watch');
    for (const shell of ['bash', 'zsh', 'fish']) {
      const script = await runCli(['completion', shell], {});
      expect(script).toMatchObject({ exitCode: 0, stderr: '' });
      expect(script.stdout).toContain('order-ingest');
    }
    expect((await runCli(['completion', 'tcsh'], {})).exitCode).toBe(2);
  });

  test('has help with an example for every command', async () => {
    const commands = [
      ...['setup', 'bridge', 'worker', 'produce', 'lag', 'top', 'doctor', 'reconcile', 'replay'],
      ...['config', 'completion', 'orders list', 'orders show', 'orders rerun', 'orders correct'],
      ...['orders retry-now', 'orders cancel', 'dead-letters list', 'dead-letters show'],
      ...['dead-letters requeue', 'capacity', 'deploy status', 'deploy promote', 'deploy rollback'],
    ];
    for (const command of commands) {
      const { exitCode, stdout } = await runCli([...command.split(' '), '--help'], {});
      expect({ command, exitCode }).toEqual({ command, exitCode: 0 });
      expect(stdout).toMatch(
        new RegExp(`Examples?:\\n.*order-ingest[^]*${command.split(' ').at(-1) ?? ''}`),
      );
    }
  });

  test('accepts the former name of a command, and shows only the new one', async () => {
    const { stdout } = await runCli(['dead-letters', '--help'], {});
    expect(stdout).toMatch(/^ {2}requeue /m);
    expect(stdout).not.toMatch(/^ {2}replay /m);
    expect((await runCli(['dead-letters', 'replay', '--help'], {})).exitCode).toBe(0);
  });

  test('prints nothing but JSON with --json', async () => {
    const env = { ...system.bridgeEnv, ...system.workerEnv };
    const json = async (...args: string[]) => {
      const { exitCode, stdout, stderr } = await runCli([...args, '--json'], env);
      expect({ args, exitCode, stderr }).toEqual({ args, exitCode: 0, stderr: '' });
      return JSON.parse(stdout) as unknown;
    };
    expect(await json('setup')).toEqual({
      made: { kafka: [expect.stringContaining('.replayed')], temporal: [], database: [] },
    });
    expect(await json('produce', '--sample', '1', '--id-prefix', 'json')).toMatchObject({
      sent: 1,
      topic: system.topic.name,
    });
    const config = await json('config');
    expect(JSON.stringify(config)).toContain(
      '{"name":"DATABASE_URL","value":"********","from":"environment"}',
    );
    const cancelled = await runCli(['orders', 'cancel', 'nobody', '--json'], env);
    expect(cancelled.exitCode).toBe(1);
    expect(JSON.parse(cancelled.stdout)).toEqual({ orderId: 'nobody', outcome: 'unknown' });
  });

  test('reports all invalid settings by name', async () => {
    const result = await runCli(['bridge'], {
      ...system.bridgeEnv,
      KAFKA_SESSION_TIMEOUT_MS: 'x',
      BRIDGE_MAX_CONCURRENT_STARTS: '0',
    });
    expectPlainError(result, 'SETTINGS_INVALID', /KAFKA_SESSION_TIMEOUT_MS.*6000/);
    expect(result.stderr).toContain('BRIDGE_MAX_CONCURRENT_STARTS');
  });

  test('rejects timeouts that contradict each other', async () => {
    const env = { ...system.bridgeEnv, KAFKA_HEARTBEAT_INTERVAL_MS: '5000' };
    expectPlainError(
      await runCli(['bridge'], env),
      'SETTINGS_INVALID',
      /KAFKA_HEARTBEAT_INTERVAL_MS.*KAFKA_SESSION_TIMEOUT_MS/,
    );
  });

  test.each([
    ['KAFKA_BROKERS', 'KAFKA_UNREACHABLE'],
    ['TEMPORAL_ADDRESS', 'TEMPORAL_UNREACHABLE'],
    ['DATABASE_URL', 'DATABASE_UNREACHABLE'],
  ] as const)(
    'names the server of %s if its port is closed, without the password',
    async (name, code) => {
      const address = `127.0.0.1:${await closedPort()}`;
      const isDatabase = name === 'DATABASE_URL';
      const env = isDatabase ? system.workerEnv : system.bridgeEnv;
      const value = isDatabase ? `postgres://u:hunter2@${address}/d` : address;
      const result = await runCli([isDatabase ? 'worker' : 'bridge'], { ...env, [name]: value });
      expectPlainError(result, code, address);
      expect(result.stderr).not.toContain('hunter2');
    },
  );

  test('reports a missing topic, missing tables and a missing namespace', async () => {
    const topic = { ...system.bridgeEnv, KAFKA_TOPIC: uniqueName('none') };
    expectPlainError(
      await runCli(['bridge'], topic),
      'KAFKA_TOPIC_MISSING',
      /"none-.*".*"none-.*\.dead-letter"/,
    );
    expectPlainError(
      await runCli(['produce', '--sample', '1'], topic),
      'KAFKA_TOPIC_MISSING',
      topic.KAFKA_TOPIC,
    );

    const empty = await createTestDatabase({ empty: true });
    try {
      const worker = { ...system.workerEnv, DATABASE_URL: empty.url };
      expectPlainError(await runCli(['worker'], worker), 'DATABASE_SCHEMA_OUTDATED', 'setup');
    } finally {
      await empty.drop();
    }

    const namespace = { ...system.workerEnv, TEMPORAL_NAMESPACE: 'nowhere' };
    expectPlainError(await runCli(['worker'], namespace), 'TEMPORAL_NAMESPACE_MISSING', 'nowhere');
  });

  test('rejects an invalid command line with exit code 2 and a hint', async () => {
    const { exitCode, stderr } = await runCli(['brigde'], {});
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(/brigde[^]*--help/);
    expect((await runCli(['--help'], {})).exitCode).toBe(0);
  });
});

describe('setup', () => {
  test('creates everything, changes nothing the second time, and may run twice at once', async () => {
    const empty = await createTestDatabase({ empty: true });
    const topic = uniqueName('setup');
    const env = {
      KAFKA_BROKERS: stackAddress('KAFKA_BROKERS'),
      TEMPORAL_ADDRESS: stackAddress('TEMPORAL_ADDRESS'),
      DATABASE_URL: empty.url,
      KAFKA_TOPIC: topic,
      KAFKA_TOPIC_PARTITIONS: '2',
    };
    try {
      const results = await Promise.all([runCli(['setup'], env), runCli(['setup'], env)]);
      expect(results.map(({ exitCode }) => exitCode)).toEqual([0, 0]);
      // The one that comes second says that it waits, and for whom if that session still exists.
      expect(results.map(({ stderr }) => stderr).join('')).toMatch(
        /^(database: waiting: another `setup` is running(: .*)?)?$/,
      );
      const { stdout } = await runCli(['setup'], env);
      expect(stdout).toMatch(
        /^kafka: up to date\ntemporal: up to date\ndatabase: up to date\n {2}.*GRANT USAGE ON SCHEMA .*; GRANT SELECT, INSERT ON /,
      );
      const { topics } = await system.topic.admin.fetchTopicMetadata({ topics: [topic] });
      expect(topics[0]?.partitions).toHaveLength(2);
    } finally {
      await empty.drop();
    }
  });

  test('sets up a single part without the settings of the others', async () => {
    const { exitCode, stdout } = await runCli(['setup', '--only', 'database'], {
      DATABASE_URL: system.database.url,
    });
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^database: up to date$/m);
    expect(stdout).not.toContain('kafka');
  });
});

describe('config', () => {
  test('prints the effective settings without secrets; the environment overrides the file', async () => {
    const file = path.join(dir, 'settings.env');
    const secret = path.join(dir, 'api-key');
    writeFileSync(secret, 'hunter2');
    writeFileSync(
      file,
      'KAFKA_BROKERS=file:1\nKAFKA_TOPIC=from-file\nDATABASE_URL=postgres://u:hunter2@h/d\n' +
        `TEMPORAL_API_KEY_FILE=${secret}\n`,
    );
    const { stdout } = await runCli(['--env-file', file, 'config'], { KAFKA_BROKERS: 'env:2' });
    expect(stdout).toContain('KAFKA_BROKERS=env:2\n');
    expect(stdout).toContain('KAFKA_TOPIC=from-file\n');
    expect(stdout).toContain('KAFKA_GROUP_ID=storage_loader  # default');
    expect(stdout).toContain(`TEMPORAL_API_KEY=********  # from ${secret}\n`);
    expect(stdout).not.toContain('hunter2');
  });

  test('reports a settings file that does not exist', async () => {
    // Node 20 handles the option itself and prints its own error.
    const { exitCode, stderr } = await runCli(['--env-file', '/none', 'config'], {});
    expect(exitCode).not.toBe(0);
    expect(stderr).toContain('/none');
    expect(stderr).not.toMatch(/^ +at /m);
  });
});

describe('capacity', () => {
  const capacity = (...args: string[]) => runCli(['capacity', ...args], {});

  test('estimates every part, and names those for which scaling out is not enough', async () => {
    const small = await capacity('--orders-per-second', '100');
    expect(small).toMatchObject({ exitCode: 0, stderr: '' });
    expect(small.stdout).toMatch(/^bridges +2 /m);
    expect(small.stdout).not.toContain('the design');
    const { stdout } = await capacity('--orders-per-second', '100000');
    expect(stdout).toMatch(/^workers +[\d,]+ /m);
    expect(stdout).toMatch(/^- the design, .+: .+$/m);
  });

  test('prints the measurements and assumptions as JSON', async () => {
    const { stdout } = await capacity('--orders-per-second', '0.5', '--json');
    expect(JSON.parse(stdout)).toMatchObject({
      ordersPerSecond: 0.5,
      measured: { stateTransitions: 3 },
      assumptions: { utilisation: 0.6 },
    });
  });

  test.each(['0', '100001', 'many'])('rejects %s orders per second', async (rate) => {
    const { exitCode, stderr } = await capacity('--orders-per-second', rate);
    expect(exitCode).toBe(2);
    expect(stderr).toContain('100000');
  });
});

describe('setup', () => {
  test('changes nothing if the order module does not fit', async () => {
    const file = path.join(dir, 'order.mjs');
    writeFileSync(file, 'export default {};');
    // It would create the topics and search attributes of these addresses first.
    const env = {
      KAFKA_BROKERS: '127.0.0.1:1',
      KAFKA_TOPIC: 'orders',
      TEMPORAL_ADDRESS: '127.0.0.1:1',
    };
    const failed = await runCli(['setup'], { ...env, ORDER_MODULE: file });
    expectPlainError(failed, 'ORDER_MODULE_INVALID', file);
  });
});

describe('produce', () => {
  test('sends the lines of a file unchanged, and names a line that is not an order', async () => {
    const file = path.join(dir, 'orders.ndjson');
    const ids = [uniqueName('a'), uniqueName('b')];
    writeFileSync(file, `${orderText(ids[0] ?? '')}\n\n${orderText(ids[1] ?? '')}\r\n`);
    const env = system.bridgeEnv;
    const { stdout } = await runCli(['produce', file], env);
    expect(stdout).toBe(`Sent 2 messages to "${system.topic.name}" at ${env['KAFKA_BROKERS']}.`);
    await system.startBridge();
    for (const id of ids) await eventually(() => system.workflow(id).describe());

    const bad = await runCli(
      ['produce'],
      env,
      `${orderText(uniqueName('c'))}\n{"order_id": "x"}\n`,
    );
    expectPlainError(bad, 'INPUT_ORDER_INVALID', /line 2 of standard input.*created_at/);
    const raw = await runCli(['produce', '--raw'], env, 'no order\n');
    expect(raw.stdout).toContain('Sent 1 message to');
    expectPlainError(
      await runCli(['produce', '/none.ndjson'], env),
      'FILE_UNREADABLE',
      '/none.ndjson',
    );
  });
});

test('a command ends quietly when its output is closed, as by `head`', async () => {
  expect(await runCliUnread(['--help'])).toEqual({ exitCode: 141, stderr: '' });
});
