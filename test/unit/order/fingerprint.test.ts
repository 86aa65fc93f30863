import fc from 'fast-check';
import { parseJson } from '../../../src/contract/json.ts';
import { fingerprintOfJson } from '../../../src/order-kit/fingerprint.ts';
import { arbitraryOrder } from '../../support/arbitrary-order.ts';
import { identifyOrder, recordOf, reader } from '../../support/built-in-order.ts';
import { STORED_BY_V0_1_0, DIFFERENT_ORDERS, SAME_ORDERS } from '../../support/order-variants.ts';
import { orderText } from '../../support/messages.ts';
import { recordedStarts } from '../../support/recorded-histories.ts';

const fingerprint = (text: string): string => identifyOrder(text).fingerprint;

describe('the fingerprint of an order', () => {
  const order = fingerprint(orderText('A-1001'));

  test.each(Object.entries(SAME_ORDERS))('does not change with %s', (_name, changes) => {
    expect(fingerprint(orderText('A-1001', changes))).toBe(order);
  });

  test.each(Object.entries(DIFFERENT_ORDERS))('changes with %s', (_name, changes) => {
    expect(fingerprint(orderText('A-1001', changes))).not.toBe(order);
  });

  test('changes with the order ID', () => {
    expect(fingerprint(orderText('A-1002'))).not.toBe(order);
  });

  test('is the same whether the bridge computes it from the message or a worker from the order', () => {
    fc.assert(
      fc.property(arbitraryOrder, ({ text }) => {
        expect(recordOf(text).fingerprint).toBe(identifyOrder(text).fingerprint);
      }),
    );
  });

  test('starts with the number of its form', () => {
    expect(order).toMatch(/^2:[0-9a-f]{64}$/);
  });
});

describe('a fingerprint that an older version has recorded in this form', () => {
  test.each(recordedStarts.filter(({ memo }) => String(memo['fingerprint']).startsWith('2:')))(
    'is that of the same message now: $file',
    async ({ text, memo }) => {
      const { fingerprint } = (memo['correction'] ?? memo) as { readonly fingerprint: string };
      const message = identifyOrder(text);
      // That of a message that is not a valid order has had another form.
      if (message.fingerprint.startsWith('2:')) expect(message.fingerprint).toBe(fingerprint);
      const ingested = () => Promise.resolve(text);
      await expect(reader.hasSameContent([fingerprint], message, ingested)).resolves.toBe(true);
    },
  );
});

describe('a fingerprint stored by version 0.1.0', () => {
  const isFingerprintOf = (fingerprint: string, text: string) =>
    reader.isFingerprintOf(fingerprint, identifyOrder(text));

  test('matches the same message, whatever the order of its keys', () => {
    const { text, fingerprint } = STORED_BY_V0_1_0;
    expect(isFingerprintOf(fingerprint, text)).toBe(true);
    // Recorded with version 0.1.0.
    const recorded = '85763756595a5e5a6d39bbc6873c2a96160b0a2072b3d28d4ea6cb4d397c50c5';
    const total = (price: string) => `{"total_price":${price},"line_items":[],"order_id":"A-1001"}`;
    expect(isFingerprintOf(recorded, total('1.0'))).toBe(true);
    expect(
      isFingerprintOf(recorded, '{"order_id":"A-1001","total_price":1.0,"line_items":[]}'),
    ).toBe(true);
    expect(isFingerprintOf(recorded, total('1'))).toBe(false);
  });

  test.each(Object.entries({ ...SAME_ORDERS, ...DIFFERENT_ORDERS }))(
    'does not match a message with %s',
    (_name, changes) => {
      const text = orderText('A-1001', changes);
      expect(isFingerprintOf(STORED_BY_V0_1_0.fingerprint, text)).toBe(false);
    },
  );
});

describe('the fingerprint of a message that is not a valid order', () => {
  const fingerprint = (text: string): string => {
    const json = parseJson(text);
    if (!json.ok) throw new Error(json.error);
    return fingerprintOfJson(2, json.value);
  };

  test('is that of its JSON value', () => {
    const text = orderText('A-1001', { total_price: '-1' });
    expect(identifyOrder(text).fingerprint).toBe(fingerprint(text));
  });

  test('does not depend on white space and the order of keys, at any depth', () => {
    expect(fingerprint('{"a":1,"b":{"c":[1,2],"d":"x"}}')).toBe(
      fingerprint(' { "b" : {"d":"x", "c": [1,\n2]},\t"a": 1 } '),
    );
  });

  test('does not depend on how a string is escaped', () => {
    expect(fingerprint('{"a":"\\u00e9\\/"}')).toBe(fingerprint('{"a":"é/"}'));
  });

  test.each([
    ['1.0', '1'],
    ['1e0', '1'],
    ['0.10', '0.1'],
    ['-0', '0'],
    ['[{"a":1.50}]', '[{"a":15e-1}]'],
  ])('is equal for %s and %s', (left, right) => {
    expect(fingerprint(`{"a":${left}}`)).toBe(fingerprint(`{"a":${right}}`));
  });

  test.each([
    ['1', '2'],
    ['9007199254740993', '9007199254740992'],
    ['1e400', '1e401'],
    ['"1"', '1'],
    ['"1.0"', '"1"'],
    ['[1,2]', '[2,1]'],
    ['null', '"null"'],
    ['{"a":1}', '{"a":1,"b":null}'],
    ['"é"', '"e\u0301"'],
    ['[]', '{}'],
  ])('differs for %s and %s', (left, right) => {
    expect(fingerprint(left)).not.toBe(fingerprint(right));
  });

  test('changes with an unknown field', () => {
    const invalid = (changes: Readonly<Record<string, string>>) =>
      fingerprint(orderText('A-1001', { total_price: '-1', ...changes }));
    expect(invalid({ trace_id: '1' })).not.toBe(invalid({}));
  });

  test('does not depend on the order of the keys, for any object', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => {
        const reversed = Object.fromEntries(Object.entries(value).reverse());
        expect(fingerprint(JSON.stringify(reversed, null, 2))).toBe(
          fingerprint(JSON.stringify(value)),
        );
      }),
    );
  });
});
