import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import avro from 'avsc';
import { eventually } from '../support/eventually.ts';
import { createTestTopic, type TestTopic } from '../support/kafka.ts';
import { runCli, type ProgramEnv, type RunningProgram } from '../support/programs.ts';
import { framed } from '../support/schema-registry.ts';
import { setUpAll } from '../support/set-up.ts';
import { uniqueName } from '../support/stack.ts';
import { createTestSystem, inOneProcess, type TestSystem } from '../support/system.ts';
import { sendByThirdPartyClient } from '../support/third-party-producer.ts';

/** The order module of examples/marketplace-order, as its README says. */
const EXAMPLE = path.join(import.meta.dirname, '../../examples/marketplace-order');
const AVRO_SCHEMA = readFileSync(path.join(EXAMPLE, 'marketplace-order.avsc'), 'utf8');
const SCHEMA_ID = 7;

let system: TestSystem;
let avroTopic: TestTopic;
let jsonEnv: ProgramEnv;
let avroEnv: ProgramEnv;
let programs: readonly RunningProgram[];

setUpAll(async (onUndo) => {
  system = await createTestSystem();
  onUndo(() => system.close());
  avroTopic = await createTestTopic();
  onUndo(() => avroTopic.close());
  const registry = await startRegistry();
  onUndo(() => registry.close());
  jsonEnv = {
    ...system.bridgeEnv,
    ...system.workerEnv,
    ORDER_MODULE: path.join(EXAMPLE, 'marketplace-order.js'),
  };
  avroEnv = {
    ...jsonEnv,
    KAFKA_TOPIC: avroTopic.name,
    KAFKA_GROUP_ID: avroTopic.groupId,
    KAFKA_VALUE_FORMAT: 'avro',
    SCHEMA_REGISTRY_URL: `http://127.0.0.1:${(registry.address() as AddressInfo).port}`,
  };
  const setup = await runCli(['setup', '--only', 'database'], jsonEnv);
  expect(setup).toMatchObject({ exitCode: 0 });
  const [{ bridge, worker }, avroBridge] = await Promise.all([
    system.startPair({ bridge: jsonEnv, worker: jsonEnv }),
    system.startBridge(avroEnv),
  ]);
  programs = [bridge, worker, avroBridge];
});

/** Has one schema. */
async function startRegistry(): Promise<Server> {
  const server = createServer((request, response) => {
    const isKnown = request.url?.startsWith(`/schemas/ids/${SCHEMA_ID}`) ?? false;
    response.writeHead(isKnown ? 200 : 404, { 'content-type': 'application/json' });
    response.end(JSON.stringify(isKnown ? { schema: AVRO_SCHEMA } : { error_code: 40403 }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

const cli = async (env: ProgramEnv, ...args: readonly string[]): Promise<string> => {
  const { exitCode, stdout, stderr } = await runCli(args, env);
  if (exitCode !== 0) throw new Error(`${args.join(' ')}: ${stdout}${stderr}`);
  return stdout;
};

/** An order with values that a careless conversion changes. */
const awkward = (orderNumber: string, changes: Readonly<Record<string, string>> = {}) => {
  const fields = {
    marketplace: '"jp"',
    orderNumber: JSON.stringify(orderNumber),
    placedAt: '"2026-11-24T18:30:00.123456+09:00"',
    deliverOn: '"2026-12-01"',
    currency: '"EUR"',
    total: '12345678901234567.89',
    customer: '{"id":9007199254740993,"email":null}',
    billingAddress:
      '{"name":"山田 太郎","street":"1-1","postalCode":"100","city":"東京","country":"JP"}',
    lines:
      '[{"sku":"A","quantity":2,"unitPrice":"0.10","taxRate":0.0750,"gift":true},{"sku":"B","quantity":1,"unitPrice":5,"taxRate":0}]',
    discounts: '[{"code":"WELCOME","amount":-0.10}]',
    sentAt: '1',
    ...changes,
  };
  return `{${Object.entries(fields)
    .map(([name, value]) => `"${name}":${value}`)
    .join(',')}}`;
};

/** As `orders show --json` has it. */
const STORED = {
  placed_at: '2026-11-24T09:30:00.123456Z',
  deliver_on: '2026-12-01',
  currency: 'EUR',
  total: '12345678901234567.89',
  customer_id: '9007199254740993',
  customer_email: null,
  billing_name: '山田 太郎',
  shipping_name: '山田 太郎',
  lines: [
    expect.objectContaining({ sku: 'A', unit_price: '0.10', tax_rate: '0.0750', gift: 'true' }),
    expect.objectContaining({ sku: 'B', title: null, tax_rate: expect.stringMatching(/^0/) }),
  ],
  discounts: [{ code: 'WELCOME', amount: '-0.10' }],
};

const stored = async (env: ProgramEnv, orderId: string): Promise<unknown> => {
  const { stored } = JSON.parse(await cli(env, 'orders', 'show', orderId, '--json')) as {
    readonly stored: unknown;
  };
  return stored;
};

const totals = async (env: ProgramEnv): Promise<unknown> =>
  (JSON.parse(await cli(env, 'reconcile', '--json')) as { readonly totals: unknown }).totals;

test('orders from another client are stored once, with every digit, and can be shown', async () => {
  const number = uniqueName('kcat');
  const orderId = `jp/${number}`;
  const again = awkward(number, { sentAt: '2', deliverOn: '"2026-12-01"', unknown: '[{}]' });
  const different = awkward(number, { customer: '{"id":9007199254740992}' });
  await sendByThirdPartyClient(system.topic.name, [awkward(number), again, different], 'none');
  await eventually(async () => {
    expect(await stored(jsonEnv, orderId)).toMatchObject(STORED);
  });
  await eventually(async () => {
    expect(await totals(jsonEnv)).toMatchObject({ stored: 1, duplicate: 1, 'dead-lettered': 1 });
  });
  const { deadLetters } = JSON.parse(await cli(jsonEnv, 'orders', 'show', orderId, '--json')) as {
    readonly deadLetters: readonly { readonly reason: string }[];
  };
  expect(deadLetters.map(({ reason }) => reason)).toEqual(['conflicting-duplicate']);
});

test('samples of the module are produced, and an invalid one is corrected', async () => {
  const before = (await totals(jsonEnv)) as Readonly<Record<string, number>>;
  const prefix = uniqueName('sample');
  await cli(jsonEnv, 'produce', '--sample', '3', '--broken', '1', '--id-prefix', prefix);
  const invalid = `de/${prefix}-4`;
  await eventually(async () => {
    expect(await totals(jsonEnv)).toMatchObject({
      stored: (before['stored'] ?? 0) + 3,
      failed: (before['failed'] ?? 0) + 1,
    });
  });
  const shown = await cli(jsonEnv, 'orders', 'show', invalid);
  expect(shown).toContain('total: expected an amount that is not negative');
  const corrected = awkward(`${prefix}-4`, { marketplace: '"de"', total: '7.00' });
  const args = ['orders', 'correct', invalid, '--payload', '-', '--reason', 'sign', '--wait'];
  const result = await runCli(args, jsonEnv, corrected);
  expect(result).toMatchObject({ exitCode: 0 });
  expect(await stored(jsonEnv, invalid)).toMatchObject({
    total: '7.00',
    correction_reason: 'sign',
  });
});

test('the same module reads Avro', async () => {
  const type = avro.Type.forSchema(JSON.parse(AVRO_SCHEMA) as avro.Schema, {
    wrapUnions: false,
    typeHook: (schema: unknown) => (isLong(schema) ? LONG : undefined),
  });
  const number = uniqueName('avro');
  const decimal = (unscaled: bigint) => Buffer.from(twosComplement(unscaled));
  const value = (sentAt: bigint) =>
    framed(
      SCHEMA_ID,
      type.toBuffer({
        marketplace: 'jp',
        orderNumber: number,
        placedAt: 1_795_512_600_123_456n,
        deliverOn: 20_788,
        currency: 'EUR',
        total: decimal(1_234_567_890_123_456_789n),
        customer: { id: 9_007_199_254_740_993n, email: null },
        billingAddress: {
          ...{ name: '山田 太郎', street: '1-1', postalCode: '100', city: '東京', country: 'JP' },
        },
        shippingAddress: null,
        lines: [
          {
            ...{ sku: 'A', title: null, quantity: 2, unitPrice: decimal(10n) },
            ...{ taxRate: decimal(750n), gift: true },
          },
          {
            ...{ sku: 'B', title: null, quantity: 1, unitPrice: decimal(500n) },
            ...{ taxRate: decimal(0n), gift: null },
          },
        ],
        discounts: [{ code: 'WELCOME', amount: decimal(-10n) }],
        sentAt,
      }),
    );
  await avroTopic.send([value(1n), value(2n), framed(99)].map((one) => ({ value: one })));
  await eventually(async () => {
    expect(await stored(avroEnv, `jp/${number}`)).toMatchObject(STORED);
    expect(await totals(avroEnv)).toMatchObject({ stored: 1, duplicate: 1, 'dead-lettered': 1 });
  });
});

const isLong = (schema: unknown): boolean =>
  schema === 'long' ||
  (typeof schema === 'object' && schema !== null && 'type' in schema && schema.type === 'long');

/** A `long` as a bigint, since a number does not hold all of them. */
const LONG = avro.types.LongType.__with({
  fromBuffer: (buffer: Buffer) => buffer.readBigInt64LE(),
  toBuffer(value: bigint) {
    const buffer = Buffer.alloc(8);
    buffer.writeBigInt64LE(value);
    return buffer;
  },
  fromJSON: BigInt,
  toJSON: Number,
  isValid: (value: unknown) => typeof value === 'bigint',
  compare: (a: bigint, b: bigint) => Number(a - b),
});

/** As Avro's `decimal` has it: big-endian, as short as possible. */
function twosComplement(value: bigint): readonly number[] {
  const bytes: number[] = [];
  let rest = value;
  do {
    bytes.unshift(Number(BigInt.asUintN(8, rest)));
    rest >>= 8n;
  } while ((rest !== 0n && rest !== -1n) || (rest === 0n) !== (bytes[0] ?? 0) < 128);
  return bytes;
}

test('programs log which module they have loaded, and doctor and top work with it', async () => {
  const doctor = (await cli(jsonEnv, 'doctor', '--json'))
    .trim()
    .split('\n')
    .map(
      (line) =>
        JSON.parse(line) as {
          readonly check: string;
          readonly state: string;
          readonly detail: string;
        },
    );
  const module = doctor.find(({ check }) => check === 'Order module');
  expect(module?.detail).toMatch(/"marketplace-order", .*marketplace-order\.js \(SHA-256 /);
  expect(doctor.filter(({ state }) => state === 'failed')).toEqual([]);
  const top = ['top', '--count', '1', '--interval', '1', '--json'];
  expect(JSON.parse(await cli(jsonEnv, ...top))).toMatchObject({ kafka: { lag: 0 } });
  for (const program of programs) {
    const { orderModule } = await program.logged('order_module_loaded');
    expect(orderModule).toBe('marketplace-order');
  }
});

// `run` has one module for both.
if (!inOneProcess()) {
  test('a worker with another module than the bridge stores nothing, and says so', async () => {
    const queue = { TEMPORAL_TASK_QUEUE: uniqueName('other-module') };
    const other = await createTestTopic();
    const folder = mkdtempSync(path.join(tmpdir(), 'other-module-'));
    try {
      const topic = { KAFKA_TOPIC: other.name, KAFKA_GROUP_ID: other.groupId };
      await system.startBridge({ ...jsonEnv, ...queue, ...topic });
      writeFileSync(
        path.join(folder, 'other.js'),
        `import order from ${JSON.stringify(EXAMPLE + '/marketplace-order.js')};
export default {
  ...order,
  translate(message) {
    const { orderId, ...rest } = order.translate(message);
    return { ...rest, ...(orderId === undefined ? {} : { orderId: orderId + '-2' }) };
  },
};`,
      );
      const worker = await system.startWorker({ ...queue, ORDER_MODULE: `${folder}/other.js` });
      const number = uniqueName('other');
      await other.send([{ value: awkward(number, { marketplace: '"de"' }) }]);
      const logged = await worker.logged('order_module_failed');
      expect(logged['error']).toMatch(/another order ID/);
      expect(await system.status(`de/${number}`)).toBe('RUNNING');
    } finally {
      rmSync(folder, { recursive: true });
      await other.close();
    }
  });
}
