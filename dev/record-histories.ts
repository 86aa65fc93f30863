import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { Command } from 'commander';
import { execa } from 'execa';
import { payload, startRequest } from '../src/bridge/start-request.ts';
import { VERSION } from '../src/program/version.ts';
import { parsePayloads, payloadsAsJson } from '../src/operate/codec-server/payload-json.ts';
import { encodeStart, readPayload } from '../src/temporal/payloads.ts';
import { identifyOrder } from '../test/support/built-in-order.ts';
import { orderText } from '../test/support/messages.ts';
import { HISTORY_CODEC, HISTORY_KEYS } from '../test/support/recorded-histories.ts';
import { startTcpProxy } from '../test/support/tcp-proxy.ts';
import { build } from './build.ts';
import { PROJECT_DIR } from './stack/places.ts';
import { showSteps } from './stack/show-steps.ts';
import { StackError } from './stack/stack-error.ts';
import { startStack, stopStack } from './stack/stack.ts';

/** How long each order may take to reach the state that is recorded. */
const TIMEOUT_MS = 180_000;
const MAIN = path.join(PROJECT_DIR, 'dist/cli/main.js');

new Command('npm run record-histories')
  .description(
    `Records how this version (${VERSION}) runs an order to each outcome, with plain and with encrypted payloads, for test/workflow/replay-histories.test.ts. Starts its own servers, and produces each outcome for real.`,
  )
  .helpCommand(false)
  .parse();

const folder = path.join(PROJECT_DIR, 'test/workflow/histories', VERSION);
const stack = `histories-${process.pid}`;
const temporary = mkdtempSync(path.join(os.tmpdir(), 'histories-'));
try {
  const [addresses] = await Promise.all([
    startStack({ name: stack, ephemeral: true }, showSteps),
    build(),
  ]);
  const { TEMPORAL_ADDRESS: address = '', DATABASE_URL: databaseUrl = '' } = addresses;
  await record(address, databaseUrl, { folder });
  await record(address, databaseUrl, {
    folder: path.join(folder, 'encrypted'),
    payloadKeys: HISTORY_KEYS,
  });
} finally {
  await stopStack(stack);
  rmSync(temporary, { recursive: true, force: true });
}

interface Kind {
  readonly folder: string;
  /** TEMPORAL_PAYLOAD_KEYS. */
  readonly payloadKeys?: string;
}

async function record(
  address: string,
  databaseUrl: string,
  { folder, payloadKeys }: Kind,
): Promise<void> {
  const connection = await Connection.connect({ address });
  const payloadCodecs = payloadKeys === undefined ? [] : [HISTORY_CODEC];
  const client = new Client({ connection, dataConverter: { payloadCodecs } });
  const link = new URL(databaseUrl);
  const postgres = await startTcpProxy(link.host);
  link.host = `127.0.0.1:${postgres.port}`;
  // Own names, in case the addresses are those of servers with other data.
  const run = Date.now().toString(36);
  const env = {
    ...{ PATH: process.env['PATH'] ?? '', TEMPORAL_ADDRESS: address },
    ...{ TEMPORAL_TASK_QUEUE: `histories-${run}`, WORKER_HTTP_PORT: '0', LOG_FORMAT: 'json' },
    ...(payloadKeys === undefined ? {} : { TEMPORAL_PAYLOAD_KEYS: payloadKeys }),
  };
  const cli = (args: readonly string[], database: string) =>
    execa(process.execPath, [MAIN, ...args], {
      env: { ...env, DATABASE_URL: database },
      extendEnv: false,
    });
  for (const part of ['temporal', 'database']) await cli(['setup', '--only', part], databaseUrl);
  const worker = cli(['worker'], link.href);
  // It ends by the signal below.
  const ended = worker.catch(() => undefined);
  try {
    let output = '';
    worker.stdout.on('data', (part: Buffer) => (output += part.toString()));
    await until(() => output.includes('worker_started'), 'the worker has started');

    /** Starts the order as the bridge does. */
    const start = async (id: string, changes = {}, workflowIdPrefix = 'order:') => {
      const text = orderText(`${run}-${id}`, changes);
      const order = identifyOrder(text);
      const message = {
        text,
        source: { topic: 'orders', partition: 0, offset: '0', timestamp: String(Date.now()) },
      };
      const { namespace } = client.options;
      const taskQueue = env.TEMPORAL_TASK_QUEUE;
      const target = { namespace, taskQueue, workflowIdPrefix, identity: 'bridge' };
      await client.workflowService.startWorkflowExecution(
        await encodeStart(client, startRequest(target, { ...order, message }, payload(message))),
      );
    };
    const handle = (id: string, prefix = 'order:') =>
      client.workflow.getHandle(`${prefix}${run}-${id}`);
    const closed = (id: string, prefix?: string) =>
      until(
        async () => (await handle(id, prefix).describe()).status.name !== 'RUNNING',
        `${id} has closed`,
      );
    const retrying = (id: string) =>
      until(
        async () => ((await handle(id).describe()).raw.pendingActivities?.[0]?.attempt ?? 0) > 1,
        `${id} is being retried`,
      );
    const save = async (name: string, id: string, expected: string) => {
      await closed(id);
      const { status } = await handle(id).describe();
      if (status.name !== expected) throw new StackError(`${name} has ended as ${status.name}`);
      const history = JSON.parse(historyToJSON(await handle(id).fetchHistory())) as unknown;
      mkdirSync(folder, { recursive: true });
      const known = await withoutEncryptedStackTraces(history);
      const text = JSON.stringify(known, withoutMachine, 1).replaceAll(`${run}-`, '');
      writeFileSync(path.join(folder, `${name}.json`), `${text}\n`);
      console.log(`recorded ${path.relative(PROJECT_DIR, folder)}/${name}.json`);
    };
    /** Has the order stored by a workflow that, to the others, has expired. */
    const storedEarlier = async (id: string) => {
      await start(id, {}, 'expired:');
      await closed(id, 'expired:');
    };

    await start('stored');
    await save('stored', 'stored', 'COMPLETED');
    await storedEarlier('again');
    await start('again');
    await save('already-stored', 'again', 'COMPLETED');
    await start('invalid', { line_items: '[]' });
    await save('invalid', 'invalid', 'FAILED');
    await start('rejected', { customer_name: '"\\u0000"' });
    await save('rejected', 'rejected', 'FAILED');
    await storedEarlier('conflict');
    await start('conflict', { total_price: '1' });
    await save('conflict', 'conflict', 'FAILED');

    await storedEarlier('conflict-after-outage');
    await postgres.cut();
    const waiting = ['stored-after-outage', 'conflict-after-outage', 'cancelled'];
    for (const id of waiting)
      await start(id, id.startsWith('conflict') ? { total_price: '1' } : {});
    for (const id of waiting) await retrying(id);
    await handle('cancelled').cancel();
    await save('cancelled', 'cancelled', 'CANCELLED');
    await postgres.restore();
    await save('stored-after-outage', 'stored-after-outage', 'COMPLETED');
    await save('conflict-after-outage', 'conflict-after-outage', 'FAILED');

    await cli(['orders', 'rerun', `${run}-cancelled`, '--wait'], databaseUrl);
    await save('rerun', 'cancelled', 'COMPLETED');
    const file = path.join(temporary, 'corrected.json');
    writeFileSync(file, orderText(`${run}-invalid`));
    const correction = ['--by', 'an operator', '--reason', 'it had no line items', '--wait'];
    await cli(
      ['orders', 'correct', `${run}-invalid`, '--payload', file, ...correction],
      databaseUrl,
    );
    await save('corrected', 'invalid', 'COMPLETED');
  } finally {
    worker.kill('SIGTERM');
    await ended;
    await postgres.close();
    await connection.close();
  }
}

async function until(check: () => Promise<boolean> | boolean, what: string): Promise<void> {
  const deadline = Date.now() + TIMEOUT_MS;
  for (;;) {
    const isSo = await Promise.resolve()
      .then(check)
      .catch(() => false);
    if (isSo) return;
    if (Date.now() > deadline) throw new StackError(`Waited ${TIMEOUT_MS / 1000} s until ${what}`);
    await delay(100);
  }
}

/** Removes what identifies the machine. A replay does not read any of it. */
function withoutMachine(key: string, value: unknown): unknown {
  if (key === 'stackTrace') return '';
  if (key === 'identity') return 'worker';
  return typeof value === 'object' && value !== null && 'normalName' in value
    ? { ...value, name: 'sticky' }
    : value;
}

/**
 * The failures of a history with encrypted payloads have their stack traces in a payload. They are replaced before the
 * history is written, because everyone has its key.
 */
async function withoutEncryptedStackTraces(value: unknown): Promise<unknown> {
  if (Array.isArray(value)) return Promise.all(value.map(withoutEncryptedStackTraces));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(async ([key, part]: [string, unknown]) => [
    key,
    await (key === 'encodedAttributes'
      ? withoutStackTrace(part)
      : withoutEncryptedStackTraces(part)),
  ]);
  return Object.fromEntries(await Promise.all(entries)) as unknown;
}

async function withoutStackTrace(encodedAttributes: unknown): Promise<unknown> {
  const given = parsePayloads(JSON.stringify({ payloads: [encodedAttributes] })) ?? [];
  const [plain] = await HISTORY_CODEC.decode(given);
  const attributes = readPayload(plain) as Record<string, unknown>;
  const encoded = await HISTORY_CODEC.encode([payload({ ...attributes, stack_trace: '' })]);
  return payloadsAsJson(encoded).payloads[0];
}
