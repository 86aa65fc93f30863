import { eventually } from '../support/eventually.ts';
import { orderText } from '../support/messages.ts';
import { startOwnTemporal, type OwnTemporal } from '../support/own-temporal.ts';
import { createTestSystem } from '../support/system.ts';

/**
 * Far less than a bridge with 50 starts at once asks for, however slow the machine is: the server
 * takes twice as many at once, then so many a second.
 */
const REQUESTS_PER_SECOND = 10;
const ORDERS = 90;

let server: OwnTemporal;
beforeAll(async () => {
  server = await startOwnTemporal([
    '--dynamic-config-value',
    `frontend.namespaceRPS=${REQUESTS_PER_SECOND}`,
  ]);
});
afterAll(() => server.remove());

test('while Temporal throttles, fewer starts are sent at once, all succeed in the end, and no outage is reported', async () => {
  const system = await createTestSystem({ temporalAddress: server.address });
  try {
    // A late heartbeat is no outage.
    const bridge = await system.startBridge({ KAFKA_SESSION_TIMEOUT_MS: '30000' });
    const limit = async () => {
      const { body } = await bridge.http('GET', '/metrics');
      return Number(/^order_ingest_start_limit (\d+)$/m.exec(body)?.[1]);
    };
    expect(await limit()).toBe(50);
    const ids = Array.from({ length: ORDERS }, (_, n) => `order-${n}`);
    await system.topic.send(ids.map((id) => ({ key: id, value: orderText(id) })));
    await eventually(async () => {
      expect(await limit()).toBeLessThan(25);
    });
    const readiness = new Set<number>();
    await eventually(async () => {
      readiness.add((await bridge.http('GET', '/readyz')).status);
      expect(await system.topic.lag()).toBe(0);
    });
    expect(await system.topic.deadLetters()).toEqual([]);
    const { body } = await bridge.http('GET', '/metrics');
    const outages = bridge.events.filter(({ event }) => event?.startsWith('dependency_'));
    expect(outages).toEqual([]);
    expect([...readiness]).toEqual([200]);
    expect(bridge.events.filter(({ event }) => event === 'starts_throttled')).not.toEqual([]);
    expect(body).toContain(`order_ingest_messages_total{outcome="started"} ${ORDERS}\n`);
  } finally {
    await system.close();
  }
});
