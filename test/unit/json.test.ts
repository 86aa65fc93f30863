import fc from 'fast-check';
import { parse } from 'lossless-json';
import { JsonNumber, parseJson, type Json } from '../../src/contract/json.ts';

/** A parser that goes through the text step by step, as the reference. */
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
  return json.ok ? json.value : undefined;
}

const PIECES = [
  ...['"', '\\', '\\u', '\\uE000', '\uE000', '{', '}', '[', ']', ',', ':', ' ', '\n', '\u0001'],
  ...['-', '0', '1', '01', '.', 'e', 'E+', '1e400', '12345678901234567.89', '"a"', '{1:2}'],
  ...['true', 'null', '__proto__', '"__proto__":', '\ud800', '\\ud800', '\u2028'],
];

test('any JSON value is read as a parser reads it that goes step by step', () => {
  fc.assert(
    fc.property(fc.json({ maxDepth: 6, stringUnit: 'binary' }), (text) => {
      expect(parsed(text)).toEqual(reference(text));
    }),
    { numRuns: 2000 },
  );
});

test('what is not quite JSON is refused, or read, as a parser does that goes step by step', () => {
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

test('nothing but pieces of JSON is refused, or read, as a parser does that goes step by step', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...PIECES), { maxLength: 12 }), (pieces) => {
      expect(parsed(pieces.join(''))).toEqual(reference(pieces.join('')));
    }),
    { numRuns: 20_000 },
  );
});

test('every digit of a number is kept, and a string that looks like a number stays one', () => {
  const digits = '12345678901234567.890';
  expect(parsed(`[${digits}, "${digits}", -0, 1E+2]`)).toEqual([
    new JsonNumber(digits),
    digits,
    new JsonNumber('-0'),
    new JsonNumber('1E+2'),
  ]);
});

test.each(['"\uE0001"', '"\\uE0001"', '{"\uE000":1}', '{1:2}', '[1 2]', '"a\\\n1"'])(
  'the private mark does not mislead: %j',
  (text) => {
    expect(parsed(text)).toEqual(reference(text));
  },
);
