import { eventually } from '../support/eventually.ts';
import { orderText } from '../support/messages.ts';
import type { RunningProgram } from '../support/programs.ts';
import { startOwnServer, type OwnServer } from '../support/own-server.ts';
import { uniqueName } from '../support/stack.ts';
import { createTestSystem, STARTED } from '../support/system.ts';

let broker: OwnServer;
beforeAll(async () => {
  broker = await startOwnServer('kafka');
});
afterAll(() => broker.remove());

test('no message is lost when a broker is down for longer than the session timeout', async () => {
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
    const readyz = async () => (await bridge.http('GET', '/readyz')).status;
    await eventually(async () => {
      expect(await readyz()).toBe(503);
    });
    const later: number[] = [];
    await eventually(async () => {
      later.push(await readyz());
      expect(Date.now() - since).toBeGreaterThan(8000);
    });
    // Not ready throughout the outage, however often kafkajs retries.
    expect(new Set(later)).toEqual(new Set([503]));
    await broker.start();
    const after = await eventually(() => send(40));
    await eventually(async () => {
      for (const id of [...before, ...after]) expect(await system.status(id)).toMatch(STARTED);
    });
    await eventually(async () => {
      expect(await system.topic.lag()).toBe(0);
    });
    await eventually(async () => {
      expect(await readyz()).toBe(200);
    });
    expect(await system.topic.deadLetters()).toEqual([]);
    expectFewLines(bridge, Date.now() - since);
    expect(await bridge.end('SIGTERM')).toBe(0);
  } finally {
    await system.close();
  }
});

/** Each line is logged at most once per minute of an outage. A broker that is starting may fail twice more. */
function expectFewLines(bridge: RunningProgram, outageMs: number): void {
  const most = Math.ceil(outageMs / 60_000) + 2;
  const lines = bridge.events
    .filter(({ event }) =>
      ['kafka_client', 'kafka_poll_error', 'commit_failed'].includes(event ?? ''),
    )
    .map(({ event, namespace, msg, error, restart }) =>
      JSON.stringify([event, namespace, msg, error, restart]).replace(/\d+/g, '#'),
    );
  const times = new Map<string, number>();
  for (const line of lines) times.set(line, (times.get(line) ?? 0) + 1);
  expect([...times].filter(([, count]) => count > most)).toEqual([]);
}
