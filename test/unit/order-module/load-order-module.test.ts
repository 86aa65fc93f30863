import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { execa } from 'execa';

/** Loads modules in a process of its own, because jest resolves imports by other rules than Node. */
const SCRIPT = path.join(import.meta.dirname, '../../support/load-order-modules.mjs');
const TYPES = pathToFileURL(createRequire(import.meta.url).resolve('ts-blank-space/register')).href;

let folder: string;
beforeAll(() => {
  // With a space, and without links, so that paths in messages can be compared.
  folder = realpathSync(mkdtempSync(path.join(tmpdir(), 'order modules ')));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const write = (file: string, text: string) => {
  const absolute = path.join(folder, file);
  mkdirSync(path.dirname(absolute), { recursive: true });
  writeFileSync(absolute, text);
};

interface Loaded {
  readonly code?: string;
  readonly message?: string;
  readonly fix?: string;
  readonly orderModule?: string;
  readonly orderModuleFrom?: string;
  readonly orderModuleDigest?: string;
  readonly identified?: { readonly kind: string; readonly orderId?: string };
}

async function loadAll(names: readonly string[], cwd = '.'): Promise<readonly Loaded[]> {
  const { stdout } = await execa(process.execPath, ['--import', TYPES, SCRIPT, ...names], {
    cwd: path.join(folder, cwd),
    env: { NODE_OPTIONS: '' },
  });
  return stdout.split('\n').map((line) => JSON.parse(line) as Loaded);
}

const load = async (name: string, cwd?: string): Promise<Loaded> =>
  (await loadAll([name], cwd))[0] ?? {};

/** A module that a user would write, in a folder with its migrations. */
function writeModule(file: string, { name = 'shop', change = '' } = {}): void {
  write(path.join(path.dirname(file), 'migrations/0001_orders.sql'), '-- Up Migration\nSELECT 1;');
  write(
    file,
    `import { defineOrder, fields, orderTables, translateWith } from 'order-ingest/order';
const definition = {
  name: '${name}',
  orderId: 'id',
  translate: translateWith(fields.object({ id: fields.orderId }), (order) => order),
  identity: (order) => [order.id],
  storage: orderTables({
    table: 'shop_orders',
    idColumn: 'id',
    columns: {},
    migrations: new URL('./migrations', import.meta.url),
  }),
};
${change}
export default defineOrder(definition);
`,
  );
}

const stub = (changes: string) => `
const storage = {
  orderTable: 'orders', tables: { orders: [] }, migrationsDir: import.meta.dirname + '/migrations',
  migrationsTable: 'm', store() {}, findByIds() {}, hasValues() {}, describe() {},
};
const module = {
  name: 'stub', storage,
  identify: () => ({ kind: 'unusable', reason: 'no-order-id', error: 'none' }),
  translate: () => ({ kind: 'invalid', issues: [] }),
};
${changes}
export default module;
`;

describe('a file', () => {
  test('is loaded with nothing installed beside it', async () => {
    writeModule('shop/my-order.js');
    expect(await load('./shop/my-order.js')).toEqual({
      orderModule: 'shop',
      orderModuleFrom: path.join(folder, 'shop/my-order.js'),
      orderModuleDigest: expect.stringMatching(/^[0-9a-f]{12}$/),
      identified: expect.objectContaining({ kind: 'order', orderId: 'A-1' }),
    });
  });

  test('is loaded as Kubernetes mounts a ConfigMap: through links to a folder that changes', async () => {
    writeModule('mounted/..2026_11_27/my-order.js');
    symlinkSync('..2026_11_27', path.join(folder, 'mounted/..data'));
    symlinkSync('..data/my-order.js', path.join(folder, 'mounted/my-order.js'));
    symlinkSync('..data/migrations', path.join(folder, 'mounted/migrations'));
    const loaded = await load(path.join(folder, 'mounted/my-order.js'));
    expect(loaded).toMatchObject({ orderModule: 'shop', identified: { orderId: 'A-1' } });
  });

  test('gets this order-ingest, also where another copy is installed beside it', async () => {
    writeModule('with-copy/my-order.js');
    write('with-copy/node_modules/order-ingest/package.json', '{"type":"module","exports":{}}');
    expect(await load('./with-copy/my-order.js')).toMatchObject({ orderModule: 'shop' });
  });

  test('that does not exist is an error with its full path', async () => {
    const { code, message } = await load('./nowhere.js');
    expect(code).toBe('ORDER_MODULE_NOT_FOUND');
    expect(message).toContain(path.join(folder, 'nowhere.js'));
  });

  test('that is a folder is an error', async () => {
    expect(await load('./shop')).toMatchObject({ code: 'ORDER_MODULE_NOT_FOUND' });
  });

  test('with a syntax error is an error that says how to find it', async () => {
    write('broken.js', 'export default {\n  name: "x",\n  1a: 2,\n};\n');
    const { code, fix } = await load('./broken.js');
    expect(code).toBe('ORDER_MODULE_INVALID');
    expect(fix).toContain('node --check');
  });

  test('that imports what is not installed is an error that names it', async () => {
    write('importing.js', "import 'left-pad-of-nobody';\nexport default {};\n");
    const { code, message, fix } = await load('./importing.js');
    expect(code).toBe('ORDER_MODULE_INVALID');
    expect(message).toContain('left-pad-of-nobody');
    expect(fix).toContain('install');
  });

  test('that throws is an error with the line', async () => {
    write('throwing.js', '\nthrow new Error("no configuration");\n');
    const { code, message } = await load('./throwing.js');
    expect(code).toBe('ORDER_MODULE_INVALID');
    expect(message).toMatch(/no configuration.*throwing\.js:2/);
  });

  test('in a language that Node does not load is an error that says so', async () => {
    write('module.coffee', 'export default {}');
    const { code, fix } = await load('./module.coffee');
    expect(code).toBe('ORDER_MODULE_INVALID');
    expect(fix).toContain('compile');
  });
});

describe('a package', () => {
  const install = (name: string, description: object, cwd = '.') => {
    write(path.join(cwd, 'node_modules', name, 'package.json'), JSON.stringify(description));
    writeModule(path.join(cwd, 'node_modules', name, 'lib/order.js'), { name });
  };

  test('is found in the working directory and above it, with its version', async () => {
    const description = { type: 'module', version: '1.2.3', main: 'lib/order.js' };
    install('shop-order', description, 'project');
    mkdirSync(path.join(folder, 'project/src'), { recursive: true });
    expect(await load('shop-order', 'project/src')).toMatchObject({
      orderModule: 'shop-order',
      orderModuleFrom: 'shop-order@1.2.3',
      identified: { orderId: 'A-1' },
    });
  });

  test('is found if its exports are for `import` only', async () => {
    const exports = { '.': { import: './lib/order.js' }, './v2': { import: './lib/order.js' } };
    install('@shop/order', { type: 'module', version: '2.0.0', exports });
    expect(await loadAll(['@shop/order', '@shop/order/v2', '@shop/order/v3'])).toEqual([
      expect.objectContaining({ orderModule: '@shop/order' }),
      expect.objectContaining({ orderModuleFrom: '@shop/order/v2@2.0.0' }),
      expect.objectContaining({
        code: 'ORDER_MODULE_INVALID',
        fix: expect.stringContaining('exports'),
      }),
    ]);
  });

  test('that is not installed is an error with the folders that were searched', async () => {
    const { code, message } = await load('not-installed');
    expect(code).toBe('ORDER_MODULE_NOT_FOUND');
    expect(message).toContain(folder);
  });

  test('that is a file in the working directory is an error with the name to set', async () => {
    writeModule('my-order.js');
    expect(await load('my-order.js')).toMatchObject({
      code: 'ORDER_MODULE_NOT_FOUND',
      fix: expect.stringContaining('./my-order.js'),
    });
  });
});

describe('a module that does not fit', () => {
  const mistakes: readonly [string, string, RegExp][] = [
    ['no default export', 'export const order = {};', /no default export/],
    ['another default export', 'export default () => {};', /is a function/],
    ['missing parts', stub('delete module.translate; delete module.name;'), /name .*translate/],
    ['parts of the wrong type', stub('module.identify = "x";'), /identify is a string/],
    ['missing parts of its storage', stub('delete storage.describe;'), /storage\.describe/],
    ['an optional part of the wrong type', stub('module.samples = [];'), /samples is an array/],
    ['half of toJson and fromJson', stub('module.toJson = () => ({});'), /toJson/],
    ['no folder of migrations', stub('storage.migrationsDir = "/nowhere";'), /\/nowhere/],
    ['a folder without migrations', stub('storage.migrationsDir = "/proc/self";'), /\.sql/],
    [
      'an asynchronous identify',
      stub('module.identify = () => Promise.resolve();'),
      /identify.*promise/,
    ],
    [
      'another result of translate',
      stub('module.translate = () => ({ ok: true });'),
      /translate.*kind/,
    ],
    [
      'a translate that throws',
      stub('module.translate = (message) => message.customer.name;'),
      /translate throws.*TypeError/,
    ],
  ];
  let loaded: readonly Loaded[];
  beforeAll(async () => {
    write('migrations/0001_orders.sql', '');
    for (const [index, [, source]] of mistakes.entries()) write(`stub-${index}.js`, source);
    loaded = await loadAll(mistakes.map((_, index) => `./stub-${index}.js`));
  });

  test.each(mistakes.map(([name, , expected], index) => ({ name, expected, index })))(
    'with $name is one error that names it',
    ({ expected, index }) => {
      expect(loaded[index]?.code).toBe('ORDER_MODULE_INVALID');
      expect(loaded[index]?.message).toMatch(expected);
    },
  );

  test('with an asynchronous function in defineOrder is an error that names it', async () => {
    writeModule('asynchronous.js', {
      change: 'const { orderId } = definition; definition.orderId = async (message) => message.id;',
    });
    const { code, message } = await load('./asynchronous.js');
    expect(code).toBe('ORDER_MODULE_INVALID');
    expect(message).toMatch(/orderId.*promise/);
  });
});

test('without a name, the built-in module is loaded', async () => {
  expect(await load('BUILT-IN')).toMatchObject({
    orderModule: 'order',
    orderModuleFrom: 'built-in',
  });
});
