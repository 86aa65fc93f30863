import { eventually } from '../support/eventually.ts';
import { orderText } from '../support/messages.ts';
import { createTestSystem, type TestSystem } from '../support/system.ts';

let system: TestSystem;
beforeEach(async () => {
  system = await createTestSystem({ partitions: 3 });
});
afterEach(() => system.close());

const IDS = Array.from({ length: 300 }, (_, n) => `order-${String(n).padStart(4, '0')}`);

/** Every order once, and after every tenth one a message that is not an order. */
const load = () =>
  IDS.flatMap((id, n) => [
    { key: id, value: orderText(id) },
    ...(n % 10 === 0 ? [{ key: `bad-${n}`, value: `bad ${n}` }] : []),
  ]);

async function expectAllStoredOnce(): Promise<void> {
  await system.allCommitted();
  await eventually(async () => {
    expect(await system.storedOrderIds()).toEqual(IDS);
  });
  const { rows } = await system.database.pool.query(
    'SELECT count(*)::int AS items FROM order_line_items',
  );
  expect(rows).toEqual([{ items: IDS.length * 2 }]);
  const letters = new Set((await system.topic.deadLetters()).map(({ value }) => value?.toString()));
  expect(letters.size).toBe(IDS.length / 10);
}

test('killing a bridge under load loses no message and starts no order twice', async () => {
  await system.startWorker();
  const first = await system.startBridge();
  await system.topic.send(load());
  await first.logged('bridge_progress', ({ started }) => Number(started) > 30);
  expect(await first.end('SIGKILL')).toBe('SIGKILL');
  const second = await system.startBridge();
  await expectAllStoredOnce();
  // A repeated start returns the existing run, so that none counts as a duplicate.
  expect(second.events.filter(({ event }) => event === 'duplicate_order')).toEqual([]);
});

test('killing a worker under load loses no order and stores none twice', async () => {
  await system.startBridge();
  const first = await system.startWorker();
  await system.topic.send(load());
  await eventually(() => {
    expect(first.events.filter(({ event }) => event === 'order_loaded').length).toBeGreaterThan(30);
  });
  expect(await first.end('SIGKILL')).toBe('SIGKILL');
  await system.startWorker();
  await expectAllStoredOnce();
});

test('a bridge that is stopped under load commits what it has started, and no more', async () => {
  const first = await system.startBridge({ BRIDGE_MAX_CONCURRENT_STARTS: '5' });
  await system.topic.send(load());
  await first.logged('bridge_progress', ({ started }) => Number(started) > 20);
  expect(await first.end('SIGTERM')).toBe(0);
  const progress = first.events.filter(({ event }) => event === 'bridge_progress').at(-1);
  const letters = Object.values(progress?.['deadLetters'] ?? {}).reduce<number>(
    (a, b) => a + Number(b),
    0,
  );
  expect(await system.topic.lag()).toBe(load().length - Number(progress?.['started']) - letters);
  expect(progress?.['read']).toBe(Number(progress?.['started']) + letters);
  await Promise.all([system.startBridge(), system.startWorker()]);
  await expectAllStoredOnce();
});

test('bridges that join and leave under load lose no message', async () => {
  await system.startWorker();
  const first = await system.startBridge();
  await system.topic.send(load());
  const second = await system.startBridge();
  await first.logged('group_rebalancing');
  await second.logged('bridge_progress');
  expect(await first.end('SIGTERM')).toBe(0);
  await expectAllStoredOnce();
});
