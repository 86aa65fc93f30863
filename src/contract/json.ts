import { parse } from 'lossless-json';

/**
 * JSON without loss: a number keeps the digits it was written with. `JSON.parse` would make
 * 12345678901234567.89 into 12345678901234568 and 0.10 into 0.1, so that it is a JavaScript number
 * only where `digitsOf` that one gives the very same digits.
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
 * Levels of arrays and objects. The parser recurses, and how deep the stack reaches depends on who
 * calls; a limit of our own gives bridge and worker the same answer for the same message.
 */
export const MAX_JSON_DEPTH = 500;

export type ParsedJson =
  { readonly ok: true; readonly value: Json } | { readonly ok: false; readonly error: string };

/**
 * Parses a JSON text (RFC 8259). Of a key that stands twice the last wins, as in `JSON.parse`;
 * `__proto__` is a key like any other. The error names a position and never quotes the text.
 */
export function parseJson(text: string): ParsedJson {
  if (text.length > MAX_JSON_DEPTH && isDeeperThan(MAX_JSON_DEPTH, text)) {
    return { ok: false, error: `nested deeper than ${MAX_JSON_DEPTH} levels` };
  }
  return parseByTheEngine(text) ?? parseStepByStep(text);
}

/**
 * By the engine's own parser, which takes a fraction of the time of one that keeps every digit, where
 * it keeps them too. Answers undefined for whatever else there is, and for what is wrong.
 */
function parseByTheEngine(text: string): ParsedJson | undefined {
  if (mayChangeNumbers(text)) return undefined;
  try {
    const value = JSON.parse(text) as Json;
    return typeof value === 'number' ? undefined : { ok: true, value };
  } catch {
    return undefined;
  }
}

/**
 * Whether the text holds a number, within an array or object, that a double might not give back as it
 * was written. Looks first for what can be found without looking at every character.
 */
const mayChangeNumbers = (text: string): boolean =>
  (MAY_CHANGE.test(text) || hasRunOfDigits(NUMBER_MAX_UNITS + 1, text)) && CHANGES.test(text);

/** Every double gives back 15 digits. */
const NUMBER_MAX_UNITS = 15;

/** An exponent, a fraction that ends in zero, or one that begins with six of them. */
const MAY_CHANGE = /\d[eE][-+\d]|\d\.\d*0[\s,\]}]|0\.000000/;

/** One of these, or one too long, where a number can stand. What is in a string may look like it too. */
const CHANGES = /[:[,\s]-?(?:[\d.]{16}|\d[\d.]*[eE][-+\d]|\d+\.\d*0[\s,\]}]|0\.000000)/;

/** Looks at one unit in so many, and backwards from there while it sees digits and points. */
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

function parseStepByStep(text: string): ParsedJson {
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

/** A JSON number without loss: as JavaScript's, or its digits; undefined for anything else. */
export function exactNumber(value: unknown): number | string | undefined {
  if (typeof value === 'number') return value;
  return value instanceof JsonNumber ? value.digits : undefined;
}

/** The digits that a JSON number was written with. */
export function digitsOf(value: number | JsonNumber): string {
  if (typeof value !== 'number') return value.digits;
  return Object.is(value, -0) ? '-0' : String(value);
}

/** What kind of value stands here, in JSON's own words; safe to show. */
export function jsonKind(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  if (value instanceof JsonNumber) return 'number';
  return typeof value;
}

/**
 * One text for each JSON value: no white space, keys sorted by UTF-16 unit, strings as
 * `JSON.stringify` writes them.
 *
 * @param numberText writes a number; by its digits if not given, so that 1.0 and 1 differ
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

/** `JSON.stringify` escapes these, and nothing else. */
// eslint-disable-next-line no-control-regex -- control characters are what it is about
const TO_BE_ESCAPED = /["\\\u0000-\u001f\ud800-\udfff]/;

const quoted = (text: string) => (TO_BE_ESCAPED.test(text) ? JSON.stringify(text) : `"${text}"`);

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** Counts brackets outside strings, in one pass and without recursion. */
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
