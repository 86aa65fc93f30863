import fc from 'fast-check';
import { parse } from 'lossless-json';
import {
  digitsOf,
  JsonNumber,
  MAX_JSON_DEPTH,
  parseJson,
  type Json,
} from '../../../src/contract/json.ts';

/** The lossless parser alone, as the reference for the parser with a fast path. */
function reference(text: string): Json | undefined {
  try {
    return parse(text, undefined, {
      parseNumber: (digits) => new JsonNumber(digits),
      onDuplicateKey: ({ newValue }) => newValue,
    }) as Json;
  } catch {
    return undefined;
  }
}

function parsed(text: string): Json | undefined {
  const json = parseJson(text);
  return json.ok ? withDigits(json.value) : undefined;
}

/** Every number as a `JsonNumber`, as the reference returns it. */
function withDigits(value: Json): Json {
  if (typeof value === 'number') return new JsonNumber(digitsOf(value));
  if (Array.isArray(value)) return value.map(withDigits);
  if (typeof value !== 'object' || value === null || value instanceof JsonNumber) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, withDigits(item)]));
}

const PIECES = [
  ...['"', '\\', '\\u', '{', '}', '[', ']', ',', ':', ' ', '\n', '\u0001'],
  ...['-', '0', '1', '01', '.', 'e', 'E+', '1e400', '12345678901234567.89', '"a"', '{1:2}'],
  ...['true', 'null', '__proto__', '"__proto__":', '\ud800', '\\ud800', '\u2028'],
];

test('any JSON value is parsed as the lossless parser does', () => {
  fc.assert(
    fc.property(fc.json({ maxDepth: 6, stringUnit: 'binary' }), (text) => {
      expect(parsed(text)).toEqual(reference(text));
    }),
    { numRuns: 2000 },
  );
});

test('a corrupted JSON text is rejected or parsed as the lossless parser does', () => {
  fc.assert(
    fc.property(
      fc.json({ maxDepth: 3 }),
      fc.array(fc.tuple(fc.nat(), fc.nat(3), fc.constantFrom(...PIECES)), { maxLength: 4 }),
      (json, edits) => {
        let text = json;
        for (const [position, removed, piece] of edits) {
          const at = position % (text.length + 1);
          text = text.slice(0, at) + piece + text.slice(at + removed);
        }
        expect(parsed(text)).toEqual(reference(text));
      },
    ),
    { numRuns: 5000 },
  );
});

test('any sequence of JSON tokens is rejected or parsed as the lossless parser does', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...PIECES), { maxLength: 12 }), (pieces) => {
      expect(parsed(pieces.join(''))).toEqual(reference(pieces.join('')));
    }),
    { numRuns: 20_000 },
  );
});

const digit = fc.nat(9).map(String);
const digits = (minLength: number, maxLength: number) =>
  fc.array(digit, { minLength, maxLength }).map((all) => all.join(''));
const numberText = fc
  .tuple(
    fc.constantFrom('', '-'),
    fc
      .oneof(fc.constant('0'), digits(1, 4), digits(10, 24))
      .map((all) => all.replace(/^0+(?=\d)/, '')),
    fc.oneof(
      fc.constant(''),
      digits(1, 22).map((all) => `.${all}`),
      digits(1, 3).map((all) => `.0000000${all}`),
    ),
    fc.constantFrom('', '', '', 'e5', 'E-7', 'e+400'),
  )
  .map((parts) => parts.join(''));

test('every digit of a number is kept, wherever the number is', () => {
  const space = fc.constantFrom('', ' ', '\n\t');
  const frame = fc.constantFrom(
    ['', ''],
    ['[', ']'],
    ['[1,', ',2]'],
    ['{"a":', '}'],
    ['{"a":1,"b":', ',"c":2}'],
  );
  fc.assert(
    fc.property(numberText, space, space, frame, (number, before, after, [open, close]) => {
      const text = `${open}${before}${number}${after}${close}`;
      expect(parsed(text)).toEqual(reference(text));
      expect(JSON.stringify(parsed(text))).toContain(JSON.stringify({ digits: number }));
    }),
    { numRuns: 20_000 },
  );
});

test('a string that looks like a number stays a string', () => {
  expect(parsed('["12.5", "1e5", "-0"]')).toEqual(['12.5', '1e5', '-0']);
});

test('a text is valid exactly if it is for JSON.parse', () => {
  const almostJson = fc.oneof(
    fc.json(),
    fc.json().map((text) => text.slice(1)),
    fc.string(),
  );
  const isParsed = (text: string) => {
    try {
      JSON.parse(text);
      return true;
    } catch {
      return false;
    }
  };
  fc.assert(
    fc.property(almostJson, (text) => {
      expect(parseJson(text).ok).toBe(isParsed(text));
    }),
    { numRuns: 1000 },
  );
});

test('nesting is limited to a fixed depth, whatever is left of the stack', () => {
  const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);
  expect(parseJson(nested(MAX_JSON_DEPTH)).ok).toBe(true);
  expect(parseJson(nested(MAX_JSON_DEPTH + 1))).toEqual({
    ok: false,
    error: 'nested deeper than 500 levels',
  });
  expect(parseJson(nested(100_000)).ok).toBe(false);
  expect(parseJson(`"${'['.repeat(1000)}\\"${'['.repeat(1000)}"`).ok).toBe(true);
});

test.each(['1', '1.50'])('the last of two equal keys wins, also with the number %s', (number) => {
  expect(parsed(`{"a":"first","b":${number},"a":2}`)).toEqual(parsed(`{"b":${number},"a":2}`));
});
