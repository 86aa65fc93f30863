import { parseJson, isJsonObject, type JsonObject } from '../../../src/contract/json.ts';
import { defineOrder, type OrderDefinition } from '../../../src/order-kit/define-order.ts';
import { integer, object, text, translateWith } from '../../../src/order-kit/fields.ts';
import { compositeId, idText } from '../../../src/order-kit/order-ids.ts';
import { orderTables } from '../../../src/order-kit/order-tables.ts';
import { createMessageReader } from '../../../src/order-module/message-reader.ts';

interface Order {
  readonly id: string;
  readonly units: number;
}

const definition: OrderDefinition<Order> = {
  name: 'shop',
  orderId: 'id',
  translate: translateWith(object({ id: text(), units: integer() }), (order) => order),
  identity: (order) => order,
  storage: orderTables({ table: 't', idColumn: 'id', columns: {}, migrations: '/' }),
};

const parse = (json: string): JsonObject => {
  const parsed = parseJson(json);
  if (!parsed.ok || !isJsonObject(parsed.value)) throw new Error('not an object');
  return parsed.value;
};
const VALID = '{"id":"A-1","units":2}';
const define = (changes: Partial<OrderDefinition<Order>> = {}) =>
  defineOrder({ ...definition, ...changes });
const identify = (json: string, changes?: Partial<OrderDefinition<Order>>) =>
  define(changes).identify(parse(json));
const fingerprintOf = (json: string, changes?: Partial<OrderDefinition<Order>>) => {
  const identified = identify(json, changes);
  return identified.kind === 'order' ? identified.fingerprint : undefined;
};
const failing = (): never => {
  throw new RangeError('secret');
};

describe('an order', () => {
  test('is identified by its ID and its values', () => {
    expect(identify(VALID)).toEqual({
      kind: 'order',
      orderId: 'A-1',
      fingerprint: expect.stringMatching(/^1:[0-9a-f]{64}$/),
    });
    expect(fingerprintOf('{"sent_at":1,"units":2.0,"id":"A-1"}')).toBe(fingerprintOf(VALID));
    expect(fingerprintOf('{"id":"A-1","units":3}')).not.toBe(fingerprintOf(VALID));
  });

  test('has the same fingerprint in the worker', () => {
    expect(define().translate(parse(VALID))).toEqual({
      kind: 'translated',
      orderId: 'A-1',
      order: { id: 'A-1', units: 2 },
      fingerprint: fingerprintOf(VALID),
    });
  });

  test('counts only the listed values, if `identity` returns a list', () => {
    const changes = { identity: ({ id }: Order) => [id] };
    expect(fingerprintOf('{"id":"A-1","units":3}', changes)).toBe(fingerprintOf(VALID, changes));
  });

  test('that is not valid has a fingerprint of another form, so that a later version can compare', async () => {
    const strict = define();
    const lenient = define({
      translate: translateWith(
        object({ id: text(), units: integer({ min: -9 }) }),
        (order) => order,
      ),
    });
    const negative = '{"id":"A-1","units":-1}';
    const before = createMessageReader(strict).identifyJson(Buffer.from(negative));
    const reader = createMessageReader(lenient);
    const after = reader.identifyJson(Buffer.from(`${negative} `));
    if (before.kind !== 'order' || after.kind !== 'order') throw new Error('not identified');
    expect(before.fingerprint).not.toBe(after.fingerprint);
    const ingested = () => Promise.resolve(negative);
    await expect(reader.hasSameContent([before.fingerprint], after, ingested)).resolves.toBe(true);
    const other = () => Promise.resolve('{"id":"A-1","units":7}');
    await expect(reader.hasSameContent([before.fingerprint], after, other)).resolves.toBe(false);
  });
});

describe('an order ID', () => {
  test('is a string, or the message is unusable', () => {
    expect(identify('{"id":17}')).toMatchObject({ kind: 'unusable', reason: 'no-order-id' });
    expect(identify('{"id":" 17"}')).toMatchObject({ reason: 'invalid-order-id' });
    expect(identify('{}')).toMatchObject({ error: 'id: expected a string, received nothing' });
  });

  test('can be made of a number, with every digit', () => {
    const orderId = ({ id }: JsonObject) => idText(id);
    expect(identify('{"id":12345678901234567890}', { orderId })).toMatchObject({
      orderId: '12345678901234567890',
    });
    expect(identify('{"id":17.0}', { orderId })).toMatchObject({ orderId: '17' });
    expect(identify('{"id":17.5}', { orderId })).toMatchObject({ kind: 'unusable' });
  });

  test('can be made of several values, which make different IDs if they differ', () => {
    const orderId = ({ shop, id }: JsonObject) => compositeId(shop, id);
    expect(identify('{"shop":"eu","id":17}', { orderId })).toMatchObject({ orderId: 'eu/17' });
    expect(compositeId('a/b', 'c')).not.toBe(compositeId('a', 'b/c'));
    expect(compositeId('a%2Fb', 'c')).not.toBe(compositeId('a/b', 'c'));
    expect(identify('{"shop":"eu"}', { orderId })).toMatchObject({
      error: 'order ID: expected a string, received nothing',
    });
    expect(identify('{"shop":"","id":1}', { orderId })).toMatchObject({ kind: 'unusable' });
  });
});

describe('a fault of the module', () => {
  test.each(['translate', 'identity'] as const)(
    'in %s leaves the order with the fingerprint of its JSON, and is reported without data',
    (part) => {
      const identified = identify(VALID, { [part]: failing });
      expect(identified).toMatchObject({ kind: 'order', orderId: 'A-1' });
      const none = { fingerprint: '', fingerprintProblem: '' };
      const { fingerprint, fingerprintProblem } = { ...none, ...identified };
      expect(fingerprint).toMatch(/^1-json:/);
      expect(fingerprintProblem).toMatch(/RangeError at define-order\.test\.ts:\d+/);
      expect(fingerprintProblem).not.toContain('secret');
      expect(fingerprintOf('{"units":2, "id":"A-1"}', { [part]: failing })).toBe(fingerprint);
    },
  );

  test('in orderId makes the message unusable', () => {
    const identified = identify(VALID, { orderId: failing });
    expect(identified).toMatchObject({
      kind: 'unusable',
      reason: 'no-order-id',
      error: expect.stringMatching(/RangeError at define-order\.test\.ts/),
    });
    expect(JSON.stringify(identified)).not.toContain('secret');
  });

  test('is thrown to the worker, which tries again', () => {
    for (const part of ['translate', 'identity', 'orderId']) {
      expect(() => define({ [part]: failing }).translate(parse(VALID))).toThrow(RangeError);
    }
  });

  test('is that a function is asynchronous', () => {
    const asynchronous = { translate: () => Promise.resolve({ ok: true }) } as object;
    expect(() => define(asynchronous).translate(parse(VALID))).toThrow(/translate.*promise/);
    const orderId = { orderId: () => Promise.resolve('A-1') } as object;
    expect(() => define(orderId).translate(parse(VALID))).toThrow(/orderId.*promise/);
    expect(identify(VALID, orderId)).toMatchObject({ kind: 'unusable' });
  });

  test('is that a part is missing: all are named at once', () => {
    const nothing = {} as OrderDefinition<Order>;
    expect(() => defineOrder(nothing)).toThrow(
      /name: .*orderId: .*translate: .*identity: .*storage: /,
    );
    expect(() => define({ fingerprintForm: 0 })).toThrow(/fingerprintForm/);
  });
});

describe('a module that is written without defineOrder', () => {
  const read = (identifyMessage: () => unknown) => {
    const orderModule = { ...define(), identify: identifyMessage } as ReturnType<typeof define>;
    return createMessageReader(orderModule).identifyJson(Buffer.from(VALID));
  };

  test('makes the message unusable if identify throws', () => {
    expect(read(failing)).toMatchObject({
      kind: 'unusable',
      reason: 'no-order-id',
      error: expect.stringMatching(/threw RangeError/),
    });
  });

  test.each([undefined, Promise.resolve(), { kind: 'order', orderId: 17, fingerprint: '' }])(
    'makes the message unusable if identify returns something else: %p',
    (result) => {
      expect(read(() => result)).toMatchObject({ kind: 'unusable', reason: 'no-order-id' });
    },
  );

  test('recognizes no fingerprint if recognizes throws', () => {
    const reader = createMessageReader({ ...define(), recognizes: failing });
    expect(reader.isFingerprintOf('old', { fingerprint: '1:x', text: VALID })).toBe(false);
  });
});
