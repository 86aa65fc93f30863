import { hash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { SECTIONS } from '../../src/config/sections.ts';
import { sendRequest } from '../../src/http/http-client.ts';
import { eventually } from '../support/eventually.ts';
import { orderText } from '../support/messages.ts';
import { startOtlpReceiver, type OtlpReceiver } from '../support/otlp-receiver.ts';
import { runCli, type ProgramEnv, type RunningProgram } from '../support/programs.ts';
import { createCertificates } from '../../dev/stack/certificates.ts';
import { formsOf } from '../support/secret-forms.ts';
import { uniqueName } from '../support/stack.ts';
import { createTestSystem, type TestSystem } from '../support/system.ts';

/** A secret setting with a value that is recognized wherever it shows up. */
interface KnownSecret {
  readonly name: string;
  readonly value: string;
  /** The part of the value that nobody may see. */
  readonly hidden: string;
}

const SECRETS: readonly KnownSecret[] = SECTIONS.flatMap(({ settings }) =>
  Object.values(settings).flatMap((setting) => {
    if (!setting.secret) return [];
    const hidden = `hidden-${setting.name}-7f3Q9`.replaceAll('_', '-');
    const special = `${hidden}/+ü"%`;
    const key = hash('sha256', setting.name, 'base64');
    // The first one that the setting accepts.
    const known = [
      { value: special, hidden: special },
      { value: hidden, hidden },
      { value: key, hidden: key },
      { value: `key-1:${key}`, hidden: key },
      { value: `postgres://user:${encodeURIComponent(special)}@127.0.0.1:1/db`, hidden: special },
    ].find(({ value }) => setting.schema.safeParse(value).success);
    if (known === undefined) throw new Error(`no value for ${setting.name} is known to this test`);
    return [{ name: setting.name, ...known }];
  }),
);

/** Not settings of order-ingest, but secrets all the same. */
const OTEL_HEADER = 'hidden-otel-header-7f3Q9';
const GRPC_HEADER = 'hidden-grpc-header-7f3Q9';

const HIDDEN = [
  ...SECRETS.map(({ name, hidden }) => ({ name, hidden })),
  { name: 'OTEL_EXPORTER_OTLP_HEADERS', hidden: OTEL_HEADER },
  { name: 'TEMPORAL_GRPC_META', hidden: GRPC_HEADER },
];

/** The names of the secrets that a text contains in some form. */
const leaksIn = (text: string): readonly string[] =>
  HIDDEN.filter(({ hidden }) => formsOf(hidden).some((form) => text.includes(form))).map(
    ({ name }) => name,
  );

const inEnvironment = (): ProgramEnv => ({
  ...Object.fromEntries(SECRETS.map(({ name, value }) => [name, value])),
  OTEL_EXPORTER_OTLP_HEADERS: `authorization=${OTEL_HEADER}`,
  TEMPORAL_GRPC_META_X_TENANT: GRPC_HEADER,
});

let folder: string;
let system: TestSystem;
let receiver: OtlpReceiver;
beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'secrets-'));
  for (const { name, value } of SECRETS) writeFileSync(path.join(folder, name), value);
  [system, receiver] = await Promise.all([
    createTestSystem(),
    startOtlpReceiver(),
    createCertificates(folder),
  ]);
});
afterAll(async () => {
  await system.close();
  await receiver.close();
  rmSync(folder, { recursive: true });
});

const inFiles = (): ProgramEnv =>
  Object.fromEntries(SECRETS.map(({ name }) => [`${name}_FILE`, path.join(folder, name)]));

/** The ways to log in, with the secrets that not all of them use: one that is not used is a mistake. */
const LOGINS = {
  password: {
    secrets: ['KAFKA_SASL_PASSWORD'],
    env: { KAFKA_SASL_MECHANISM: 'plain', KAFKA_SASL_USERNAME: 'user' },
  },
  client: {
    secrets: ['KAFKA_SASL_OAUTHBEARER_CLIENT_SECRET'],
    env: {
      KAFKA_SASL_MECHANISM: 'oauthbearer',
      KAFKA_SASL_OAUTHBEARER_TOKEN_ENDPOINT_URL: 'http://127.0.0.1:1/token',
      KAFKA_SASL_OAUTHBEARER_CLIENT_ID: 'user',
    },
  },
  token: {
    secrets: ['KAFKA_SASL_OAUTHBEARER_TOKEN'],
    env: { KAFKA_SASL_MECHANISM: 'oauthbearer' },
  },
  certificate: {
    secrets: ['KAFKA_SSL_KEY_PASSPHRASE', 'SCHEMA_REGISTRY_KEY_PASSPHRASE'],
    env: { KAFKA_SSL: 'true', SCHEMA_REGISTRY_URL: 'https://127.0.0.1:1' },
  },
  none: { secrets: [], env: {} },
} as const;

function loggingIn(env: ProgramEnv, way: keyof typeof LOGINS): ProgramEnv {
  const { secrets, env: login } = LOGINS[way];
  const unused = SECRETS.map(({ name }) => name).filter(
    (name) => /^KAFKA_S|_KEY_PASSPHRASE$/.test(name) && !secrets.some((used) => used === name),
  );
  return { ...without(env, ...unused), ...login, ...(way === 'certificate' ? keyFiles() : {}) };
}

/** With another passphrase than that of the settings. */
const keyFiles = (): ProgramEnv =>
  Object.fromEntries(
    ['KAFKA_SSL', 'SCHEMA_REGISTRY'].flatMap((connection) => [
      [`${connection}_CERT_FILE`, path.join(folder, 'client-passphrase.crt')],
      [`${connection}_KEY_FILE`, path.join(folder, 'client-passphrase.key')],
    ]),
  );

const USED_TOGETHER = {
  KAFKA_VALUE_FORMAT: 'avro',
  SCHEMA_REGISTRY_USERNAME: 'user',
  SCHEMA_REGISTRY_URL: 'http://127.0.0.1:1',
};

/** Without those that contradict each other. */
function without(env: ProgramEnv, ...names: readonly string[]): ProgramEnv {
  const left = Object.entries(env).filter(([name]) => !names.includes(name.replace(/_FILE$/, '')));
  return Object.fromEntries(left);
}

const COMMANDS: readonly (readonly string[])[] = [
  ...[['bridge'], ['worker'], ['setup'], ['doctor'], ['doctor', '--json'], ['orders', 'list']],
  ...[
    ['orders', 'show', 'A-1'],
    ['orders', 'rerun', '--failed'],
    ['dead-letters', 'list'],
  ],
  ...[['dead-letters', 'requeue', '--dry-run'], ['reconcile'], ['lag', '--interval', '1']],
  ...[['top', '--count', '1', '--interval', '1'], ['produce', '--sample', '1'], ['resume']],
  ...[['replay', '--partition', '0', '--from', '0', '--to', '1'], ['config'], ['config', '--json']],
];

/** Those that show the settings in their errors, or read them all. */
const FEW_COMMANDS = COMMANDS.filter(([name = '']) =>
  ['bridge', 'worker', 'setup', 'doctor', 'top', 'config'].includes(name),
);

/** What the commands print. All at once, because most of them wait for servers. */
const outputsOf = (env: ProgramEnv, commands: readonly (readonly string[])[]) =>
  Promise.all(
    commands.map(async (args) => {
      const { stdout, stderr } = await runCli(['--verbose', ...args], env);
      return { command: args.join(' '), text: `${stdout}\n${stderr}` };
    }),
  );

describe('no secret is in what a command prints', () => {
  const leaks = async (env: ProgramEnv, commands = COMMANDS) => {
    const outputs = await outputsOf({ ...env, LOG_LEVEL: 'trace', LOG_FORMAT: 'json' }, commands);
    // Not one that ended before it had read its settings.
    expect(outputs.filter(({ text }) => text.trim() === '')).toEqual([]);
    return outputs.flatMap(({ command, text }) => {
      const names = leaksIn(text);
      return names.length === 0 ? [] : [{ command, names, text: text.slice(0, 2000) }];
    });
  };
  const unreachable = { KAFKA_BROKERS: '127.0.0.1:1', TEMPORAL_ADDRESS: '127.0.0.1:1' };
  const basic = (env: ProgramEnv) => without(env, 'SCHEMA_REGISTRY_TOKEN');
  const bearer = (env: ProgramEnv) =>
    without(env, 'SCHEMA_REGISTRY_PASSWORD', 'SCHEMA_REGISTRY_USERNAME');

  test('while the servers are down', async () => {
    const env = basic({ ...inEnvironment(), ...USED_TOGETHER, ...unreachable });
    expect(await leaks(loggingIn(env, 'password'))).toEqual([]);
    expect(await leaks(loggingIn(env, 'client'), FEW_COMMANDS)).toEqual([]);
    expect(await leaks(loggingIn(env, 'token'), FEW_COMMANDS)).toEqual([]);
    expect(await leaks(loggingIn(env, 'certificate'), FEW_COMMANDS)).toEqual([]);
  });

  test('while the servers reject them', async () => {
    const database = new URL(system.database.url);
    const { value = '' } = SECRETS.find(({ name }) => name === 'DATABASE_URL') ?? {};
    database.password = new URL(value).password;
    writeFileSync(path.join(folder, 'DATABASE_URL'), database.href);
    const servers = without({ ...system.bridgeEnv, ...system.workerEnv }, 'DATABASE_URL');
    const env = { ...inFiles(), ...USED_TOGETHER, ...servers };
    expect(await leaks(loggingIn(bearer(env), 'password'))).toEqual([]);
    expect(await leaks(loggingIn(bearer(env), 'token'), FEW_COMMANDS)).toEqual([]);
    const worker = await runCli(
      ['worker'],
      without({ ...env, KAFKA_VALUE_FORMAT: 'json' }, 'TEMPORAL_API_KEY'),
    );
    expect(worker.stderr).toMatch(/password authentication failed/);
  });

  test('when a setting is wrong', async () => {
    // What each setting rejects, with the secret in it.
    const wrong = Object.fromEntries(
      SECRETS.map(({ name, hidden }) => [name, `//x:${hidden}@ :\n${hidden}`]),
    );
    expect(await leaks({ ...inEnvironment(), ...wrong, ...unreachable }, FEW_COMMANDS)).toEqual([]);
    // Settings that should have no credentials.
    const { hidden } = HIDDEN.find(({ name }) => name === 'KAFKA_SASL_PASSWORD') ?? { hidden: '' };
    const credentials = `user:${encodeURIComponent(hidden)}@127.0.0.1:1`;
    const misplaced = {
      ...unreachable,
      KAFKA_BROKERS: `127.0.0.1:1,${credentials}`,
      KAFKA_VALUE_FORMAT: 'avro',
      TEMPORAL_ADDRESS: credentials,
      TEMPORAL_UI: `http://${credentials}/ui`,
      SCHEMA_REGISTRY_URL: `http://${credentials}/registry`,
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://${credentials}/otlp`,
      DATABASE_URL: 'postgres://127.0.0.1:1/db',
    };
    expect(await leaks(misplaced, FEW_COMMANDS)).toEqual([]);
    // One at a time, because the first mistake hides what would happen with the others.
    for (const name of ['KAFKA_BROKERS', 'TEMPORAL_ADDRESS']) {
      expect(await leaks({ ...misplaced, [name]: '127.0.0.1:1' }, FEW_COMMANDS)).toEqual([]);
    }
  });
});

/** The servers know no such credentials, and the test looks workflows up by their plain IDs. */
const NOT_IN_THIS_SYSTEM = ['TEMPORAL_API_KEY', 'SCHEMA_REGISTRY_TOKEN', 'WORKFLOW_ID_HASH_KEY'];

test('no secret is in what running programs show of themselves', async () => {
  const user = uniqueName('secrets').replaceAll('-', '_');
  const { pool, schema } = system.database;
  const known = SECRETS.find(({ name }) => name === 'DATABASE_URL');
  const password = known?.hidden ?? '';
  await pool.query(`CREATE ROLE ${user} LOGIN PASSWORD '${password}'`);
  await pool.query(`GRANT USAGE ON SCHEMA ${schema} TO ${user}`);
  await pool.query(`GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA ${schema} TO ${user}`);
  const url = new URL(system.database.url);
  url.username = user;
  url.password = encodeURIComponent(password);
  const shared = {
    ...loggingIn(without(inEnvironment(), ...NOT_IN_THIS_SYSTEM), 'none'),
    // So that what Temporal stores can be read.
    TEMPORAL_PAYLOAD_ENCRYPTION: 'off',
    SCHEMA_REGISTRY_USERNAME: 'user',
    LOG_LEVEL: 'trace',
    DATABASE_URL: url.href,
    OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint,
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
    OTEL_BSP_SCHEDULE_DELAY: '50',
  };
  try {
    const [bridge, worker] = await Promise.all([
      system.startBridge(shared),
      system.startWorker(shared),
    ]);
    await system.topic.send([
      { key: 'a', value: orderText('a') },
      { key: 'b', value: orderText('b', { line_items: '[]' }) },
      { key: 'c', value: 'not JSON' },
    ]);
    await system.allCommitted();
    await eventually(async () => {
      expect([await system.status('a'), await system.status('b')]).toEqual(['COMPLETED', 'FAILED']);
      expect(receiver.spans.map(({ name }) => name)).toContain('INSERT orders');
    });
    const tokens = { bridge: 'BRIDGE_HTTP_TOKEN', worker: 'WORKER_HTTP_TOKEN' } as const;
    const shown = {
      bridge: await shownBy(bridge, tokenOf(tokens.bridge)),
      worker: await shownBy(worker, tokenOf(tokens.worker)),
      spans: JSON.stringify(receiver.spans),
      deadLetters: (await system.topic.deadLetters())
        .map(
          ({ key, value, headers }) => `${String(key)} ${String(value)} ${JSON.stringify(headers)}`,
        )
        .join('\n'),
      workflows: await historiesOf('a', 'b'),
      postgres: JSON.stringify((await pool.query('SELECT * FROM pg_stat_activity')).rows),
      tables: JSON.stringify((await pool.query('SELECT * FROM orders')).rows),
    };
    for (const text of Object.values(shown)) expect(text).not.toBe('');
    expect(Object.entries(shown).map(([where, text]) => [where, leaksIn(text)])).toEqual(
      Object.keys(shown).map((where) => [where, []]),
    );
    await Promise.all([bridge.end('SIGTERM'), worker.end('SIGTERM')]);
  } finally {
    await pool.query(`DROP OWNED BY ${user}; DROP ROLE ${user}`);
  }
});

const tokenOf = (name: string) => SECRETS.find((secret) => secret.name === name)?.value ?? '';

/** Its logs, its HTTP endpoint with the token, and its command line as other users see it. */
async function shownBy(program: RunningProgram, token: string): Promise<string> {
  const { port } = await program.logged('http_listening');
  const target = { url: `http://127.0.0.1:${String(port)}`, token };
  const answers = await Promise.all(
    ['/metrics', '/readyz', '/livez'].map((requested) =>
      sendRequest('GET', requested, target, 60_000),
    ),
  );
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
  return [
    JSON.stringify(program.events),
    program.recentOutput(),
    ...answers.map(({ body }) => body),
    readFileSync(`/proc/${program.pid}/cmdline`, 'utf8'),
  ].join('\n');
}

async function historiesOf(...orderIds: readonly string[]): Promise<string> {
  const parts = await Promise.all(
    orderIds.map(async (orderId) => {
      const handle = system.workflow(orderId);
      const [{ raw }, history] = await Promise.all([handle.describe(), handle.fetchHistory()]);
      return [plainText(raw), plainText(history)];
    }),
  );
  return parts.flat().join('\n');
}

/** Payloads as text: JSON would show them as base64, at any alignment. */
const plainText = (value: unknown): string =>
  JSON.stringify(value, (_key, part: unknown) => {
    if (typeof part === 'bigint') return part.toString();
    return part instanceof Uint8Array ? Buffer.from(part).toString() : part;
  });

describe('when a program crashes', () => {
  /** What it prints, and the diagnostic report that Node.js writes. */
  async function crashOf(env: ProgramEnv): Promise<{ output: string; report: string }> {
    const reports = mkdtempSync(path.join(folder, 'reports-'));
    const crash = path.join(reports, 'crash.mjs');
    // With the first connection: all settings have been read then.
    writeFileSync(
      crash,
      `import { Socket } from 'node:net';
      Socket.prototype.connect = () => setImmediate(() => { throw new Error('crash'); });`,
    );
    const { stdout, stderr } = await runCli(['--verbose', 'doctor'], {
      KAFKA_BROKERS: '127.0.0.1:1',
      TEMPORAL_ADDRESS: '127.0.0.1:1',
      ...loggingIn(without(env, 'SCHEMA_REGISTRY_TOKEN'), 'password'),
      NODE_OPTIONS: [
        `--import=${crash}`,
        `--report-uncaught-exception --report-directory=${reports}`,
      ].join(' '),
    });
    const file = readdirSync(reports).find((name) => name.endsWith('.json')) ?? '';
    return {
      output: `${stdout}\n${stderr}`,
      report: readFileSync(path.join(reports, file), 'utf8'),
    };
  }

  test('no secret is in its output', async () => {
    const { output } = await crashOf({ ...inEnvironment(), ...USED_TOGETHER });
    expect(output).toContain('Error: crash');
    expect(leaksIn(output)).toEqual([]);
  });

  test('no secret in a file is in a diagnostic report, and none at all where Node.js can leave out the environment', async () => {
    const { report: withFiles } = await crashOf({ ...inFiles(), ...USED_TOGETHER });
    expect(withFiles).toContain('"javascriptStack"');
    expect(leaksIn(withFiles)).toEqual([]);
    const { report } = await crashOf({ ...inEnvironment(), ...USED_TOGETHER });
    // Node.js 22.13 and 23.3 can leave it out (`process.report.excludeEnv`).
    const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
    const canExclude = major > 23 || (major === 23 && minor >= 3) || (major === 22 && minor >= 13);
    expect(leaksIn(report).length > 0).toBe(!canExclude);
  });
});
