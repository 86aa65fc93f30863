import pMap from 'p-map';
import { createConnector } from '../../src/postgres/connect.ts';
import { eventually } from '../support/eventually.ts';
import { orderText } from '../support/messages.ts';
import { startPostgresPair, type PostgresPair } from '../support/postgres-pair.ts';
import { createTestSystem, type TestSystem } from '../support/system.ts';

/** A primary and its standby, with the standby first in the URL. */
let pair: PostgresPair;
let system: TestSystem;
beforeAll(async () => {
  pair = await startPostgresPair();
  system = await createTestSystem({
    databaseUrl: pair.url([pair.standby, pair.primary], { target_session_attrs: 'read-write' }),
  });
});
afterAll(async () => {
  await system.close();
  await pair.remove();
});

/** The URL of the test's schema, on these hosts. */
function urlOf(hosts: readonly string[], targetSession: string): string {
  return pair.url(hosts, {
    options: `-csearch_path=${system.database.schema}`,
    target_session_attrs: targetSession,
  });
}

async function storedOn(host: string): Promise<number> {
  const { client } = await createConnector({ url: urlOf([host], 'any'), connectTimeoutMs: 5000 })();
  try {
    const { rows } = await client.query<{ count: string }>('SELECT count(*) FROM orders');
    return Number(rows[0]?.count);
  } finally {
    await client.end();
  }
}

test('a failover under load loses and doubles no order, and the worker follows the primary', async () => {
  const onlyStandby = createConnector({
    url: urlOf([pair.standby], 'read-write'),
    connectTimeoutMs: 5000,
  });
  await expect(onlyStandby()).rejects.toMatchObject({
    code: 'DATABASE_NOT_WRITABLE',
    message: expect.stringContaining(pair.standby),
  });

  const worker = await system.startWorker();
  await system.startBridge();
  const ids = Array.from({ length: 300 }, (_, n) => `order-${n}`);
  const send = (some: readonly string[]) =>
    system.topic.send(some.map((id) => ({ key: id, value: orderText(id) })));
  await send(ids.slice(0, 200));
  await eventually(async () => {
    expect(await storedOn(pair.primary)).toBeGreaterThan(20);
  });
  await pair.killPrimary();
  await send(ids.slice(200));
  // While the worker finds out, it may name another cause first.
  await worker.logged(
    'dependency_unavailable',
    ({ dependency, code }) => dependency === 'Postgres' && code === 'DATABASE_NOT_WRITABLE',
  );
  expect((await worker.http('GET', '/readyz')).status).toBe(503);

  await pair.promote();
  await worker.logged('dependency_available');
  await eventually(async () => {
    expect(await storedOn(pair.standby)).toBe(ids.length);
  });
  await pMap(
    ids,
    (id) =>
      eventually(async () => {
        expect(await system.status(id)).toBe('COMPLETED');
      }),
    { concurrency: 10 },
  );
  await eventually(async () => {
    expect((await worker.http('GET', '/readyz')).status).toBe(200);
  });
});
