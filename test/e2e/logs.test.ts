import { createHash } from 'node:crypto';
import { orderText } from '../support/messages.ts';
import type { LogEvent } from '../support/programs.ts';
import { createTestSystem, type TestSystem } from '../support/system.ts';

let system: TestSystem;
beforeEach(async () => {
  system = await createTestSystem();
});
afterEach(() => system.close());

/** Not JSON, with characters that are not safe to print. */
const BROKEN = 'Ada \\ Lovel\u0000ce \u00e9';

test('a run logs its events with what identifies the order, and no personal data', async () => {
  const [bridge, worker] = await Promise.all([
    system.startBridge({ LOG_LEVEL: 'debug', LOG_VALUE_BYTES: '0' }),
    system.startWorker({ LOG_LEVEL: 'debug' }),
  ]);
  await system.topic.send([
    { key: 'a', value: orderText('a') },
    { key: 'b', value: BROKEN },
    { key: 'c', value: orderText('c', { total_price: '"Ada Lovelace"' }) },
  ]);
  await system.allCommitted();
  const isFirst = (entry: LogEvent) => entry['offset'] === '0';
  const source = { topic: system.topic.name, partition: 0 };
  const workflowId = system.workflowId('a');
  expect(await bridge.logged('message_consumed', isFirst)).toMatchObject(source);
  const started = await bridge.logged('workflow_started', isFirst);
  expect(started).toMatchObject({ ...source, orderId: 'a', workflowId, offset: '0' });
  expect(await worker.logged('order_loaded')).toMatchObject({
    ...source,
    offset: '0',
    orderId: 'a',
    workflowId,
    runId: started['runId'],
    attempt: 1,
  });
  expect(await worker.logged('order_translation_failed')).toMatchObject({
    ...source,
    workflowId: system.workflowId('c'),
    offset: '2',
  });
  const decodeFailed = await bridge.logged('message_decode_failed');
  expect(decodeFailed).toMatchObject({
    ...source,
    reason: 'not-json',
    length: Buffer.byteLength(BROKEN),
    sha256: createHash('sha256').update(BROKEN).digest('hex'),
  });
  expect(decodeFailed).not.toHaveProperty('firstBytes');
  await bridge.logged('message_dead_lettered');
  await bridge.logged('offset_committed');
  await system.database.pool.query('ALTER TABLE orders RENAME TO away');
  await system.topic.send([{ key: 'd', value: orderText('d') }]);
  expect(await worker.logged('order_load_failed')).toMatchObject({ orderId: 'd', attempt: 1 });

  expect(await bridge.end('SIGTERM')).toBe(0);
  const names = bridge.events.map(({ event }) => event);
  for (const name of [
    ...['starting_consumer_loop', 'kafka_consumer_initialized', 'partitions_assigned'],
    ...['shutdown_signal_received', 'closing_consumer_loop', 'kafka_consumer_closed'],
  ]) {
    expect(names).toContain(name);
  }
  expect(JSON.stringify([...bridge.events, ...worker.events])).not.toMatch(/Ada|Lovel/);
});

test('the first bytes of an undecodable message are logged in printable form', async () => {
  const bridge = await system.startBridge({ LOG_VALUE_BYTES: '16' });
  await system.topic.send([{ key: 'b', value: BROKEN }]);
  expect(await bridge.logged('message_decode_failed')).toMatchObject({
    firstBytes: 'Ada \\\\ Lovel\\x00ce \\xc3',
  });
});
