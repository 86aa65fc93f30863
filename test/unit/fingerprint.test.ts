import fc from 'fast-check';
import { fingerprintOf } from '../../src/contract/fingerprint.ts';
import { MAX_JSON_DEPTH, parseJson } from '../../src/contract/json.ts';

function fingerprint(text: string): string {
  const json = parseJson(text);
  if (!json.ok) throw new Error(json.error);
  return fingerprintOf(json.value);
}

describe('the fingerprint of a message', () => {
  test('does not depend on white space and the order of keys, at any depth', () => {
    expect(fingerprint('{"a":1,"b":{"c":[1,2],"d":"x"}}')).toBe(
      fingerprint(' { "b" : {"d":"x", "c": [1,\n2]},\t"a": 1 } '),
    );
  });

  test('does not depend on how a string is escaped', () => {
    expect(fingerprint('{"a":"\\u00e9\\/"}')).toBe(fingerprint('{"a":"é/"}'));
  });

  test.each([
    ['1', '2'],
    ['1.0', '1'],
    ['0.10', '0.1'],
    ['9007199254740993', '9007199254740992'],
    ['"1"', '1'],
    ['[1,2]', '[2,1]'],
    ['null', '"null"'],
    ['{"a":1}', '{"a":1,"b":null}'],
    ['"é"', '"e\u0301"'],
    ['[]', '{}'],
  ])('tells %s from %s', (left, right) => {
    expect(fingerprint(left)).not.toBe(fingerprint(right));
  });

  test('is the same for a value however its keys are shuffled', () => {
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

describe('reading JSON', () => {
  test('accepts and refuses what JSON.parse does', () => {
    const almostJson = fc.oneof(
      fc.json(),
      fc.json().map((text) => text.slice(1)),
      fc.string(),
    );
    const reads = (read: () => unknown) => {
      try {
        read();
        return true;
      } catch {
        return false;
      }
    };
    fc.assert(
      fc.property(almostJson, (text) => {
        expect(parseJson(text).ok).toBe(reads(() => JSON.parse(text)));
      }),
      { numRuns: 1000 },
    );
  });

  test('answers the same for deep nesting wherever it is called from', () => {
    const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);
    expect(parseJson(nested(MAX_JSON_DEPTH)).ok).toBe(true);
    expect(parseJson(nested(MAX_JSON_DEPTH + 1))).toEqual({
      ok: false,
      error: 'nested deeper than 500 levels',
    });
    expect(parseJson(nested(100_000)).ok).toBe(false);
    expect(parseJson(`"${'['.repeat(1000)}\\"${'['.repeat(1000)}"`).ok).toBe(true);
  });

  test('takes the last of two equal keys, as JSON.parse does', () => {
    expect(fingerprint('{"a":1,"a":2}')).toBe(fingerprint('{"a":2}'));
  });
});
