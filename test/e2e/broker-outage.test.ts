import { eventually } from '../support/eventually.ts';
import { orderText } from '../support/messages.ts';
import { startOwnServer, type OwnServer } from '../support/own-server.ts';
import { uniqueName } from '../support/stack.ts';
import { createTestSystem } from '../support/system.ts';

let broker: OwnServer;
beforeAll(async () => {
  broker = await startOwnServer('kafka');
});
afterAll(() => broker.remove());

test('a broker that is killed for longer than the session timeout costs no message', async () => {
  const system = await createTestSystem({ brokers: broker.address, partitions: 2 });
  const send = async (count: number) => {
    const ids = Array.from({ length: count }, () => uniqueName('order'));
    await system.topic.send(ids.map((id) => ({ key: id, value: orderText(id) })));
    return ids;
  };
  try {
    const bridge = await system.startBridge();
    const before = await send(40);
    await broker.kill();
    const since = Date.now();
    await eventually(() => {
      expect(Date.now() - since).toBeGreaterThan(8000);
    });
    await broker.start();
    const after = await eventually(() => send(40), 60_000);
    await eventually(async () => {
      for (const id of [...before, ...after]) expect(await system.status(id)).toBe('RUNNING');
    }, 60_000);
    await eventually(async () => {
      expect(await system.topic.lag()).toBe(0);
    }, 60_000);
    expect(await system.topic.deadLetters()).toEqual([]);
    expect(await bridge.end('SIGTERM')).toBe(0);
  } finally {
    await system.close();
  }
}, 180_000);
