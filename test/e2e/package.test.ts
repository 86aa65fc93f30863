import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { execa, type Options } from 'execa';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { eventually, FinalError } from '../support/eventually.ts';
import { stackAddress, uniqueName } from '../support/stack.ts';

/**
 * The package as a user gets it: packed, installed into an empty folder, and run from there. The path of
 * the folder contains a space.
 */
const project = path.join(import.meta.dirname, '../..');
const { version } = JSON.parse(readFileSync(path.join(project, 'package.json'), 'utf8')) as {
  version: string;
};
let folder: string;
let files: readonly string[];
let installOutput: string;

/** Without the variables that `npm test` and jest set for this process. */
const cleanEnv = () => ({
  PATH: process.env['PATH'] ?? '',
  HOME: process.env['HOME'] ?? '',
});
const run = (command: string, args: readonly string[], options: Options = {}) =>
  execa(command, args, { cwd: folder, env: cleanEnv(), extendEnv: false, ...options });

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'order ingest '));
  const pack = ['pack', '--json', '--loglevel=error', `--pack-destination=${folder}`];
  const packed = await run('npm', pack, { cwd: project });
  const [tarball] = parsePacked(String(packed.stdout));
  if (!tarball) throw new Error('npm pack has packed nothing');
  files = tarball.files.map(({ path }) => path);
  const install = ['install', '--prefer-offline', '--no-audit', '--no-fund', tarball.filename];
  const installed = await run('npm', install, { all: true });
  installOutput = String(installed.all);
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

interface Packed {
  readonly filename: string;
  readonly files: readonly { readonly path: string }[];
}

/** npm 12 prints an object by package name, older ones a list. */
function parsePacked(json: string): readonly Packed[] {
  const packed = JSON.parse(json) as readonly Packed[] | Readonly<Record<string, Packed>>;
  return Object.values(packed);
}

test('holds what runs, the types of its exports and the documents, and nothing else', () => {
  const unexpected = files.filter(
    (file) =>
      !/^(package\.json|README\.md|LICENSE|CHANGELOG\.md)$/.test(file) &&
      !/^docs\/[\w/-]+\.md$/.test(file) &&
      !/^examples\/[\w/-]+\.(md|js|sql|avsc)$/.test(file) &&
      !/^dist\/[\w/-]+\.js$/.test(file) &&
      !/^dist\/(package|order|order-kit|contract)\/[\w-]+\.d\.ts$/.test(file) &&
      !/^dist\/order\/migrations\/\w+\.sql$/.test(file) &&
      file !== 'dist/workflow-bundle.licenses.txt',
  );
  expect(unexpected).toEqual([]);
  expect(files).toEqual(
    expect.arrayContaining([
      'CHANGELOG.md',
      'LICENSE',
      'README.md',
      'dist/cli/main.js',
      'dist/order/migrations/0001_orders.sql',
      'dist/package/contract.d.ts',
      'dist/package/order.d.ts',
      'dist/workflow-bundle-traced.js',
      'dist/workflow-bundle.js',
      'docs/configuration.md',
    ]),
  );
});

test('holds no path of the machine that built it', () => {
  for (const bundle of ['dist/workflow-bundle.js', 'dist/workflow-bundle-traced.js']) {
    const code = readFileSync(path.join(folder, 'node_modules/order-ingest', bundle), 'utf8');
    const map = Buffer.from(code.slice(code.lastIndexOf(',') + 1), 'base64').toString();
    expect(map).toContain('"sources":');
    expect(code + map).not.toContain(project);
  }
});

test('evaluates the modules of the workflows once per thread', () => {
  for (const variant of ['', '-traced', '-encrypted', '-traced-encrypted']) {
    const file = path.join(folder, `node_modules/order-ingest/dist/workflow-bundle${variant}.js`);
    expect(readFileSync(file, 'utf8')).toMatch(
      /function preloadModules\(\) \{\s*__webpack_require__\([^)]*"\.\/dist\/workflows\/index\.js"\)/,
    );
  }
});

test('installs without conflicts, with one copy of each package that must exist once', async () => {
  expect(installOutput).not.toMatch(/ERESOLVE|EBADENGINE|deprecated|peer/);
  // Exits with an error if a dependency is missing, superfluous or of the wrong version.
  await run('npm', ['ls', '--all']);
  const lock = JSON.parse(readFileSync(path.join(folder, 'package-lock.json'), 'utf8')) as {
    packages: Readonly<Record<string, unknown>>;
  };
  const copies = Object.keys(lock.packages).map((name) => name.split('node_modules/').at(-1));
  const once = copies.filter((name) => /^@temporalio\/|^@opentelemetry\/api$/.test(name ?? ''));
  expect(once.sort()).toEqual([...new Set(once)]);
  expect(once).toContain('@temporalio/common');
});

const CONSUMER = `
import {
  DEAD_LETTER_HEADERS,
  FAILURE_TYPES,
  INGEST_ORDER,
  readDeadLetterHeaders,
  workflowId,
  type DeadLetterReason,
  type FailureType,
  type IngestOrder,
  type OrderMessage,
} from 'order-ingest/contract';
import {
  formatIssue,
  isJsonObject,
  Money,
  orderModule,
  parseInstant,
  parseJson,
  parseOrderId,
  translateText,
  type Order,
} from 'order-ingest/order';

const message: OrderMessage = {
  text: '{"order_id":"A-1","created_at":"2026-11-24T09:30:00Z","customer_name":"Ada","total_price":0.10,' +
    '"line_items":[{"product_id":"P","quantity":1,"unit_price":"0.10"}]}',
  source: { topic: 'orders', partition: 0, offset: '0', timestamp: '0' },
};
const translation = translateText(orderModule, message.text);
if (translation.kind !== 'translated') throw new Error('not an order');
const order: Order = translation.order;
const total: Money = order.totalPrice;
const invalid = translateText(orderModule, '{"order_id":"A-1"}');
const issues: string[] = invalid.kind === 'invalid' ? invalid.issues.map(formatIssue) : [];
const id = parseOrderId(' A-1');
const json = parseJson(message.text);
if (!json.ok || !isJsonObject(json.value)) throw new Error('not an object');
const identified = orderModule.identify(json.value);
const reason: DeadLetterReason | undefined =
  identified.kind === 'unusable' ? identified.reason : undefined;
const failure: FailureType = FAILURE_TYPES.invalid;
const start: IngestOrder = () => Promise.resolve({ outcome: 'stored' });
const deadLetter = readDeadLetterHeaders({
  [DEAD_LETTER_HEADERS.reason]: new TextEncoder().encode('not-json'),
  [DEAD_LETTER_HEADERS.sourcePartition]: '0',
  [DEAD_LETTER_HEADERS.sourceOffset]: '17',
});
// @ts-expect-error an order is read-only
order.customerName = 'Bob';
console.log(JSON.stringify({
  workflowId: workflowId('order:', order.orderId),
  total: total.toString(),
  issues: issues.length,
  id: id.ok,
  kind: identified.kind,
  reason,
  failure,
  workflow: INGEST_ORDER,
  outcome: (await start(message)).outcome,
  createdAt: parseInstant('2026-11-24').ok ? undefined : order.createdAt,
  deadLetter: deadLetter && [deadLetter.reason, String(deadLetter.sourceOffset)],
}));
`;

test.each(['nodenext', 'bundler'])(
  'a TypeScript program compiles against its exports with module resolution %s, and runs',
  async (moduleResolution) => {
    const name = `consumer-${moduleResolution}`;
    writeFileSync(path.join(folder, `${name}.mts`), CONSUMER);
    const options = {
      target: 'es2022',
      module: moduleResolution === 'nodenext' ? 'nodenext' : 'esnext',
      moduleResolution,
      strict: true,
      exactOptionalPropertyTypes: true,
      // The declarations themselves are checked too, without the types of Node.
      skipLibCheck: false,
      lib: ['es2022', 'dom'],
      types: [],
    };
    const config = { compilerOptions: options, files: [`${name}.mts`] };
    writeFileSync(path.join(folder, `${name}.json`), JSON.stringify(config));
    const tsc = path.join(project, 'node_modules/.bin/tsc');
    const compiled = await run(tsc, ['-p', `${name}.json`], { reject: false, all: true });
    expect(compiled.all).toBe('');
    const { stdout } = await run(process.execPath, [`${name}.mjs`]);
    expect(JSON.parse(String(stdout))).toEqual({
      workflowId: 'order:A-1',
      total: '0.10',
      issues: 4,
      id: false,
      kind: 'order',
      failure: 'OrderInvalid',
      workflow: 'ingestOrder',
      outcome: 'stored',
      createdAt: '2026-11-24T09:30:00.000000Z',
      deadLetter: ['not-json', '17'],
    });
  },
);

describe('an order module of a user', () => {
  const EXAMPLE = path.join(project, 'examples/marketplace-order');
  let shop: string;
  beforeAll(() => {
    shop = path.join(folder, 'shop');
    cpSync(EXAMPLE, shop, { recursive: true });
    // For the compiler; Node does without it.
    writeFileSync(path.join(shop, 'package.json'), '{"type":"module"}');
  });

  test.each(['nodenext', 'bundler'])(
    'is checked by the compiler with module resolution %s',
    async (moduleResolution) => {
      const options = {
        target: 'es2022',
        module: moduleResolution === 'nodenext' ? 'nodenext' : 'esnext',
        moduleResolution,
        ...{ strict: true, allowJs: true, checkJs: true, noEmit: true },
        ...{ lib: ['es2022', 'dom'], types: [] },
      };
      const config = { compilerOptions: options, files: ['marketplace-order.js'] };
      writeFileSync(path.join(shop, 'module.json'), JSON.stringify(config));
      const tsc = path.join(project, 'node_modules/.bin/tsc');
      const compiled = await run(tsc, ['-p', 'shop/module.json'], { reject: false, all: true });
      expect(compiled.all).toBe('');
    },
  );

  test('that docs/your-orders.md has accepts its message, and passes its test', async () => {
    const guide = readFileSync(
      path.join(folder, 'node_modules/order-ingest/docs/your-orders.md'),
      'utf8',
    );
    const block = (language: string, contained: string) => {
      const blocks = [...guide.matchAll(new RegExp(`\`\`\`${language}\\n([^]*?)\`\`\``, 'g'))];
      const found = blocks.map(([, text = '']) => text).find((text) => text.includes(contained));
      if (found === undefined) throw new Error(`the guide has no ${language} with ${contained}`);
      return found;
    };
    writeFileSync(path.join(shop, 'shop-order.js'), block('js', 'defineOrder({'));
    writeFileSync(path.join(shop, 'shop-order.test.mjs'), block('js', 'node:test'));
    writeFileSync(path.join(shop, 'migrations/0001.sql'), block('sql', 'CREATE TABLE'));
    const check = `import { translateText } from 'order-ingest/order';
import order from './shop/shop-order.js';
const { kind, orderId } = translateText(order, ${JSON.stringify(block('json', 'order_no'))});
const samples = order.samples({ count: 2, broken: 1, idPrefix: 'S-a_1' });
const kinds = [...samples].map(({ key, value }) => {
  const translation = translateText(order, value);
  return translation.orderId === key || translation.kind === 'invalid' ? translation.kind : key;
});
console.log(kind, orderId, ...kinds);`;
    const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', check]);
    expect(stdout).toBe('translated 4711 translated translated invalid');
    await run(process.execPath, ['--test', 'shop/shop-order.test.mjs']);
  });

  test('is loaded by the installed command, by its path and as a package', async () => {
    const installed = path.join(folder, 'node_modules/@shop/order');
    cpSync(EXAMPLE, installed, { recursive: true });
    const exports = { '.': { import: './marketplace-order.js' } };
    const description = { name: '@shop/order', version: '1.0.0', type: 'module', exports };
    writeFileSync(path.join(installed, 'package.json'), JSON.stringify(description));
    const detailOf = async (ORDER_MODULE: string) => {
      const { stdout } = await run(
        path.join(folder, 'node_modules/.bin/order-ingest'),
        ['doctor', '--json'],
        { env: { ...cleanEnv(), ORDER_MODULE, KAFKA_BROKERS: '127.0.0.1:1' }, reject: false },
      );
      const findings = String(stdout)
        .split('\n')
        .map((line) => JSON.parse(line) as { readonly check: string; readonly detail: string });
      return findings.find(({ check }) => check === 'Order module')?.detail;
    };
    expect(await detailOf('./shop/marketplace-order.js')).toContain('"marketplace-order"');
    expect(await detailOf('@shop/order')).toBe('"marketplace-order", @shop/order@1.0.0');
  });
});

test('the exports are exactly these', async () => {
  const exportsOf = async (name: string) => {
    const code = `console.log(JSON.stringify(Object.keys(await import('${name}'))))`;
    const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', code]);
    return JSON.parse(String(stdout)) as readonly string[];
  };
  expect(await exportsOf('order-ingest/contract')).toEqual([
    'DEAD_LETTER_HEADERS',
    'DEAD_LETTER_REASONS',
    'FAILURE_TYPES',
    'INGEST_ORDER',
    'readDeadLetterHeaders',
    'workflowId',
  ]);
  expect(await exportsOf('order-ingest/order')).toEqual([
    ...['Decimal', 'JsonNumber', 'Money', 'SOURCE_COLUMNS', 'canonicalJson', 'compositeId'],
    ...['defineOrder', 'digitsOf', 'err', 'exactNumber', 'fields', 'fingerprintOfJson'],
    ...['fingerprintOfValues', 'formatIssue', 'idText', 'isJsonObject', 'jsonText', 'ok'],
    ...['orderItems', 'orderModule', 'orderTables', 'parseInstant', 'parseJson', 'parseOrderId'],
    ...['translateText', 'translateWith'],
  ]);
  await expect(exportsOf('order-ingest/dist/bridge/pipeline.js')).rejects.toMatchObject({
    stderr: expect.stringContaining('ERR_PACKAGE_PATH_NOT_EXPORTED'),
  });
});

describe('the installed command', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await createTestDatabase({ empty: true });
  });
  afterAll(() => database.drop());

  const command = () => path.join(folder, 'node_modules/.bin/order-ingest');

  test('npx and the link in node_modules/.bin print the version', async () => {
    const [npx, bin] = await Promise.all([
      run('npx', ['--no', '--', 'order-ingest', '--version']),
      run(command(), ['--version']),
    ]);
    expect([npx.stdout, bin.stdout, npx.stderr, bin.stderr]).toEqual([version, version, '', '']);
  });

  test('sets up, ingests and accounts for orders', async () => {
    const env = {
      ...cleanEnv(),
      KAFKA_BROKERS: stackAddress('KAFKA_BROKERS'),
      KAFKA_TOPIC: uniqueName('packaged'),
      KAFKA_GROUP_ID: uniqueName('packaged'),
      TEMPORAL_ADDRESS: stackAddress('TEMPORAL_ADDRESS'),
      TEMPORAL_NAMESPACE: stackAddress('TEMPORAL_NAMESPACE'),
      TEMPORAL_TASK_QUEUE: uniqueName('packaged'),
      WORKFLOW_ID_PREFIX: `${uniqueName('packaged')}:`,
      DATABASE_URL: database.url,
      DATABASE_CONNECT_TIMEOUT_MS: '10000',
      BRIDGE_HTTP_PORT: '0',
      WORKER_HTTP_PORT: '0',
      LOG_FORMAT: 'json',
    };
    const cli = async (...args: string[]) => {
      const { stdout } = await run(command(), args, { env });
      return String(stdout);
    };
    /** Started by the link that npm has made. Call `stop` in any case. */
    const start = async (program: 'bridge' | 'worker', started: string) => {
      const running = run(command(), [program], { env, reject: false });
      let logged = '';
      running.stdout?.on('data', (part: Buffer) => (logged += part.toString()));
      const stop = async () => {
        running.kill('SIGTERM');
        const { exitCode, stderr } = await running;
        return { exitCode, stderr };
      };
      try {
        await eventually(() => {
          if (running.exitCode !== null) throw new FinalError(`${program} has exited:\n${logged}`);
          expect(logged).toContain(started);
        });
        return { stop };
      } catch (error) {
        await stop();
        throw error;
      }
    };
    await cli('setup');
    const bridge = await start('bridge', 'partitions_assigned');
    try {
      const worker = await start('worker', 'worker_started');
      try {
        await cli('produce', '--sample', '5');
        await eventually(async () => {
          const listed = await cli('orders', 'list', '--status', 'completed', '--json');
          expect(listed.trim().split('\n')).toHaveLength(5);
          expect(JSON.parse(await cli('reconcile', '--json'))).toMatchObject({
            totals: { messages: 5, stored: 5, missing: 0 },
          });
        });
      } finally {
        expect(await worker.stop()).toEqual({ exitCode: 0, stderr: '' });
      }
    } finally {
      expect(await bridge.stop()).toEqual({ exitCode: 0, stderr: '' });
    }
  });
});
