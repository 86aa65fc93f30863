import { parse } from 'lossless-json';

/**
 * A JSON value whose numbers keep their digits. `JSON.parse` turns 12345678901234567.89 into
 * 12345678901234568, and 0.10 into 0.1. A number is therefore a JavaScript number only if `digitsOf`
 * returns the digits that it was written with; otherwise it is a `JsonNumber`.
 */
export type Json = null | boolean | string | number | JsonNumber | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: Json;
}

export class JsonNumber {
  readonly digits: string;

  constructor(digits: string) {
    this.digits = digits;
  }
}

/**
 * Levels of nested arrays and objects. The parser recurses, and how deep it can go depends on its caller's
 * stack. A fixed limit gives the bridge and the worker the same result for the same message.
 */
export const MAX_JSON_DEPTH = 500;

export type ParsedJson =
  { readonly ok: true; readonly value: Json } | { readonly ok: false; readonly error: string };

/**
 * Parses a JSON text (RFC 8259). The last of several equal keys wins, as in `JSON.parse`; `__proto__` is an
 * ordinary key. The error names a position and never quotes the text.
 */
export function parseJson(text: string): ParsedJson {
  if (text.length > MAX_JSON_DEPTH && isDeeperThan(MAX_JSON_DEPTH, text)) {
    return { ok: false, error: `nested deeper than ${MAX_JSON_DEPTH} levels` };
  }
  return parseNatively(text) ?? parseLosslessly(text);
}

/**
 * Parses with `JSON.parse`, which is many times as fast as the lossless parser. Undefined for a text whose
 * numbers it might change, or that is not valid.
 */
function parseNatively(text: string): ParsedJson | undefined {
  if (mayChangeNumbers(text)) return undefined;
  try {
    const value = JSON.parse(text) as Json;
    return typeof value === 'number' ? undefined : { ok: true, value };
  } catch {
    return undefined;
  }
}

/**
 * Whether an array or object in the text may hold a number that a double does not preserve digit by digit.
 * The first test is cheap, because it does not look at every character.
 */
const mayChangeNumbers = (text: string): boolean =>
  (MAY_CHANGE.test(text) || hasRunOfDigits(NUMBER_MAX_UNITS + 1, text)) && CHANGES.test(text);

/** A double preserves up to 15 digits. */
const NUMBER_MAX_UNITS = 15;

/** An exponent, a fraction that ends in zero, or one that begins with six zeros. Strings can match too. */
const MAY_CHANGE = /\d[eE][-+\d]|\d\.\d*0[\s,\]}]|0\.000000/;

/** The same, or too many digits, where a number can be. Strings can still match. */
const CHANGES = /[:[,\s]-?(?:[\d.]{16}|\d[\d.]*[eE][-+\d]|\d+\.\d*0[\s,\]}]|0\.000000)/;

/** Looks at every `length`-th character, and backwards from there past digits and points. */
function hasRunOfDigits(length: number, text: string): boolean {
  let end = length - 1;
  while (end < text.length) {
    let start = end;
    while (start > end - length && isDigitOrPoint(text.charCodeAt(start))) start -= 1;
    if (start === end - length) return true;
    end = start + length;
  }
  return false;
}

const isDigitOrPoint = (unit: number) => (unit >= 0x30 && unit <= 0x39) || unit === 0x2e;

function parseLosslessly(text: string): ParsedJson {
  try {
    const value = parse(text, undefined, {
      parseNumber: (digits) => new JsonNumber(digits),
      onDuplicateKey: ({ newValue }) => newValue,
    });
    return { ok: true, value: value as Json };
  } catch (error) {
    const position = /at position \d+/.exec(String(error))?.[0] ?? 'at an unknown position';
    return { ok: false, error: `not valid JSON ${position}` };
  }
}

export function isJsonObject(value: Json): value is JsonObject {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    !(value instanceof JsonNumber)
  );
}

/** A JSON number without loss, as a JavaScript number or as its digits. Undefined for any other value. */
export function exactNumber(value: unknown): number | string | undefined {
  if (typeof value === 'number') return value;
  return value instanceof JsonNumber ? value.digits : undefined;
}

/** The digits that a JSON number was written with. */
export function digitsOf(value: number | JsonNumber): string {
  if (typeof value !== 'number') return value.digits;
  return Object.is(value, -0) ? '-0' : String(value);
}

/** The JSON type of a value, for messages that must not quote it; `nothing` for undefined. */
export function jsonKind(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  if (value instanceof JsonNumber) return 'number';
  return typeof value;
}

/**
 * The canonical text of a JSON value: no white space, keys sorted by UTF-16 code unit, strings as
 * `JSON.stringify` writes them.
 *
 * @param numberText formats a number; by default as its digits, so that 1.0 and 1 differ
 */
export function canonicalJson(
  value: Json,
  numberText: (number: number | JsonNumber) => string = digitsOf,
): string {
  if (typeof value === 'string') return quoted(value);
  if (typeof value === 'number' || value instanceof JsonNumber) return numberText(value);
  if (typeof value !== 'object' || value === null) return String(value);
  let text = '';
  if (isJsonObject(value)) {
    for (const key of Object.keys(value).sort()) {
      text += `${text === '' ? '' : ','}${quoted(key)}:${canonicalJson(value[key] ?? null, numberText)}`;
    }
    return `{${text}}`;
  }
  for (const element of value)
    text += `${text === '' ? '' : ','}${canonicalJson(element, numberText)}`;
  return `[${text}]`;
}

/** The characters that `JSON.stringify` escapes. */
// eslint-disable-next-line no-control-regex -- it looks for control characters
const TO_BE_ESCAPED = /["\\\u0000-\u001f\ud800-\udfff]/;

const quoted = (text: string) => (TO_BE_ESCAPED.test(text) ? JSON.stringify(text) : `"${text}"`);

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** Counts the brackets outside strings, in one pass and without recursion. */
function isDeeperThan(limit: number, text: string): boolean {
  let depth = 0;
  let inString = false;
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index);
    if (inString) {
      if (unit === BACKSLASH) index += 1;
      else if (unit === QUOTE) inString = false;
    } else if (unit === QUOTE) {
      inString = true;
    } else if (unit === 0x5b || unit === 0x7b) {
      depth += 1;
      if (depth > limit) return true;
    } else if (unit === 0x5d || unit === 0x7d) {
      depth -= 1;
    }
  }
  return false;
}
