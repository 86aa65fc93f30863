import { createServer } from 'node:net';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
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

/** A user's mistake is a message and what to do, never a stack trace. */
function expectPlainError(
  result: { exitCode: number | undefined; stderr: string },
  text: string | RegExp,
) {
  expect(result.exitCode).toBe(1);
  expect(result.stderr).toMatch(text);
  expect(result.stderr).toContain('Fix: ');
  expect(result.stderr).not.toMatch(/^ +at /m);
}

/** A port on which nobody listens: it was free a moment ago. */
async function closedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address ? address.port : 0;
}

describe('the command line', () => {
  test('says what each command needs when nothing is set, all at once', async () => {
    const bridge = await runCli(['bridge'], {});
    expectPlainError(bridge, 'KAFKA_BROKERS is not set');
    expect(bridge.stderr).not.toContain('DATABASE_URL');
    const worker = await runCli(['worker'], {});
    expectPlainError(worker, 'DATABASE_URL is not set');
    expect(worker.stderr).not.toContain('KAFKA');
  });

  test('shows where an error comes from when it is asked to, and what a flag or a command could be', async () => {
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

  test('has help with an example for each command', async () => {
    const commands = [
      ...['setup', 'bridge', 'worker', 'produce', 'lag', 'top', 'doctor', 'reconcile', 'replay'],
      ...['config', 'completion', 'orders list', 'orders show', 'orders rerun', 'orders correct'],
      ...['orders retry-now', 'orders cancel', 'dead-letters list', 'dead-letters show'],
      'dead-letters replay',
    ];
    for (const command of commands) {
      const { exitCode, stdout } = await runCli([...command.split(' '), '--help'], {});
      expect({ command, exitCode }).toEqual({ command, exitCode: 0 });
      expect(stdout).toMatch(
        new RegExp(`Examples?:\\n.*order-ingest[^]*${command.split(' ').at(-1) ?? ''}`),
      );
    }
  });

  test('prints JSON, and nothing else, when it is asked to', async () => {
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

  test('reports wrong settings by name, without secrets', async () => {
    const result = await runCli(['bridge'], {
      ...system.bridgeEnv,
      KAFKA_SESSION_TIMEOUT_MS: 'x',
      BRIDGE_MAX_CONCURRENT_STARTS: '0',
    });
    expectPlainError(result, '2 settings are wrong');
    expect(result.stderr).toContain('KAFKA_SESSION_TIMEOUT_MS: expected an integer from 6000');
  });

  test('refuses timeouts that do not fit each other', async () => {
    const env = { ...system.bridgeEnv, KAFKA_HEARTBEAT_INTERVAL_MS: '5000' };
    expectPlainError(
      await runCli(['bridge'], env),
      'more than a third of KAFKA_SESSION_TIMEOUT_MS',
    );
  });

  test.each(['KAFKA_BROKERS', 'TEMPORAL_ADDRESS', 'DATABASE_URL'] as const)(
    'names the server that %s leads to when its port is closed',
    async (name) => {
      const address = `127.0.0.1:${await closedPort()}`;
      const isDatabase = name === 'DATABASE_URL';
      const env = isDatabase ? system.workerEnv : system.bridgeEnv;
      const value = isDatabase ? `postgres://u:hunter2@${address}/d` : address;
      const result = await runCli([isDatabase ? 'worker' : 'bridge'], { ...env, [name]: value });
      expectPlainError(result, address);
      expect(result.stderr).not.toContain('hunter2');
    },
  );

  test('knows a missing topic, an old schema, a missing namespace', async () => {
    const topic = { ...system.bridgeEnv, KAFKA_TOPIC: uniqueName('none') };
    expectPlainError(
      await runCli(['bridge'], topic),
      /no topic "none-.*" and no topic "none-.*\.dead-letter"/,
    );
    expectPlainError(await runCli(['produce', '--sample', '1'], topic), /no topic/);

    const empty = await createTestDatabase({ empty: true });
    try {
      const worker = { ...system.workerEnv, DATABASE_URL: empty.url };
      expectPlainError(await runCli(['worker'], worker), 'no tables of order-ingest yet');
    } finally {
      await empty.drop();
    }

    const namespace = { ...system.workerEnv, TEMPORAL_NAMESPACE: 'nowhere' };
    expectPlainError(await runCli(['worker'], namespace), 'no namespace "nowhere"');
  });

  test('answers a wrong command line with a hint and exit code 2', async () => {
    const { exitCode, stderr } = await runCli(['brigde'], {});
    expect(exitCode).toBe(2);
    expect(stderr).toContain("unknown command 'brigde'");
    expect((await runCli(['--help'], {})).exitCode).toBe(0);
  });
});

describe('setup', () => {
  test('makes everything, changes nothing the second time, and is safe to run twice at once', async () => {
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
      expect(results.map(({ exitCode, stderr }) => ({ exitCode, stderr }))).toEqual(
        Array(2).fill({ exitCode: 0, stderr: '' }),
      );
      const { stdout } = await runCli(['setup'], env);
      expect(stdout).toMatch(
        /^kafka: all there already\ntemporal: all there already\ndatabase: all there already\n {2}a worker .* needs: GRANT USAGE ON SCHEMA .*; GRANT SELECT, INSERT ON /,
      );
      const { topics } = await system.topic.admin.fetchTopicMetadata({ topics: [topic] });
      expect(topics[0]?.partitions).toHaveLength(2);
    } finally {
      await empty.drop();
    }
  });

  test('does one part alone, without the settings of the others', async () => {
    const { exitCode, stdout } = await runCli(['setup', '--only', 'database'], {
      DATABASE_URL: system.database.url,
    });
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^database: all there already$/m);
    expect(stdout).not.toContain('kafka');
  });
});

describe('config', () => {
  test('prints what is in force and hides secrets; the environment goes before the file', async () => {
    const file = path.join(dir, 'settings.env');
    writeFileSync(
      file,
      'KAFKA_BROKERS=file:1\nKAFKA_TOPIC=from-file\nDATABASE_URL=postgres://u:hunter2@h/d\n',
    );
    const { stdout } = await runCli(['--env-file', file, 'config'], { KAFKA_BROKERS: 'env:2' });
    expect(stdout).toContain('KAFKA_BROKERS=env:2\n');
    expect(stdout).toContain('KAFKA_TOPIC=from-file\n');
    expect(stdout).toContain('KAFKA_GROUP_ID=storage_loader  # default');
    expect(stdout).not.toContain('hunter2');
  });

  test('says when the file is not there', async () => {
    // Node 20 takes the option for its own, with an error of its own.
    const { exitCode, stderr } = await runCli(['--env-file', '/none', 'config'], {});
    expect(exitCode).not.toBe(0);
    expect(stderr).toContain('/none');
    expect(stderr).not.toMatch(/^ +at /m);
  });
});

describe('capacity', () => {
  const capacity = (...args: string[]) => runCli(['capacity', ...args], {});

  test('says what each part takes, and where more of the same does not do', async () => {
    const small = await capacity('--orders-per-second', '100');
    expect(small).toMatchObject({ exitCode: 0, stderr: '' });
    expect(small.stdout).toMatch(/^bridges +2 /m);
    expect(small.stdout).not.toContain('More of the same');
    const { stdout } = await capacity('--orders-per-second', '100000');
    expect(stdout).toMatch(/^workers +[\d,]+ /m);
    expect(stdout).toContain('- the design, one workflow an order: ');
  });

  test('as JSON with what was measured and what is assumed', async () => {
    const { stdout } = await capacity('--orders-per-second', '0.5', '--json');
    expect(JSON.parse(stdout)).toMatchObject({
      ordersPerSecond: 0.5,
      measured: { stateTransitions: 3 },
      assumptions: { utilisation: 0.6 },
    });
  });

  test.each(['0', '100001', 'many'])('refuses %s orders a second', async (figure) => {
    const { exitCode, stderr } = await capacity('--orders-per-second', figure);
    expect(exitCode).toBe(2);
    expect(stderr).toContain('expected a number of orders, more than 0 and up to 100000.');
  });
});

describe('produce', () => {
  test('sends the lines of a file as they are, and points at a line that is no order', async () => {
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
    expectPlainError(
      bad,
      'line 2 of standard input is not a valid order: created_at: expected a string',
    );
    const raw = await runCli(['produce', '--raw'], env, 'no order\n');
    expect(raw.stdout).toContain('Sent 1 messages');
    expectPlainError(await runCli(['produce', '/none.ndjson'], env), 'no such file');
  });
});

test('a reader that has seen enough, such as `head`, ends a command quietly', async () => {
  expect(await runCliUnread(['--help'])).toEqual({ exitCode: 141, stderr: '' });
});
