import { eventually } from '../support/eventually.ts';
import { sendByThirdPartyClient } from '../support/third-party-producer.ts';
import { orderText } from '../support/messages.ts';
import { uniqueName } from '../support/stack.ts';
import { createTestSystem, type TestSystem } from '../support/system.ts';

let system: TestSystem;
beforeAll(async () => {
  system = await createTestSystem();
  await Promise.all([system.startBridge(), system.startWorker()]);
});
afterAll(() => system.close());

test.each(['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const)(
  'orders from another Kafka client in batches compressed with %s are stored with every digit',
  async (codec) => {
    const ids = Array.from({ length: 20 }, () => uniqueName(codec));
    const lines = ids.map((id) => orderText(id, { total_price: '12345678901234567.89' }));
    await sendByThirdPartyClient(system.topic.name, lines, codec);
    for (const id of ids) {
      await eventually(async () => {
        await expect(system.workflow(id).result()).resolves.toEqual({ outcome: 'stored' });
      });
    }
    const { rows } = await system.database.pool.query<{ total_price: string }>(
      'SELECT DISTINCT total_price FROM orders WHERE order_id = ANY ($1)',
      [ids],
    );
    expect(rows).toEqual([{ total_price: '12345678901234567.89' }]);
  },
);
