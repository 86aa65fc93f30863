import { isJsonObject, parseJson } from '../../../src/contract/json.ts';
import { defineOrder } from '../../../src/order-kit/define-order.ts';
import { orderModule } from '../../../src/order/order-module.ts';

function identify(start: () => never) {
  const json = parseJson('{"id": "A-1"}');
  if (!json.ok || !isJsonObject(json.value)) throw new Error('not an object');
  const module = defineOrder({
    name: 'test',
    orderId: 'id',
    translate: () => ({ ok: true, value: undefined }),
    identity: () => [],
    start,
    storage: { ...orderModule.storage },
  });
  return module.identify(json.value);
}

test('an order whose start preferences cannot be computed is an order without them', () => {
  const identification = identify(() => {
    throw new TypeError('the customer Ada Lovelace has no tier');
  });
  expect(identification).toMatchObject({
    kind: 'order',
    orderId: 'A-1',
    startProblem: expect.stringMatching(
      /^start of the order module threw TypeError at start-preferences\.test\.ts:\d/,
    ),
  });
  expect(identification).not.toHaveProperty('start');
  expect(JSON.stringify(identification)).not.toContain('Ada');
});
