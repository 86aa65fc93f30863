import { isJsonObject, type Json } from '../contract/json.ts';

/** The reference tokens of a JSON Pointer (RFC 6901): `/a~1b/0` has `a/b` and `0`. */
export const pointerTokens = (pointer: string): readonly string[] =>
  pointer
    .split('/')
    .slice(1)
    .map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'));

/** What the pointer leads to; undefined if that is nothing. */
export function valueAt(json: Json, tokens: readonly string[]): Json | undefined {
  let value: Json | undefined = json;
  for (const token of tokens) {
    if (value === undefined) return undefined;
    value = childAt(value, token);
  }
  return value;
}

function childAt(value: Json, token: string): Json | undefined {
  if (isJsonObject(value)) return Object.hasOwn(value, token) ? value[token] : undefined;
  return Array.isArray(value) && ARRAY_INDEX.test(token)
    ? (value as readonly Json[])[Number(token)]
    : undefined;
}

/** RFC 6901, section 4: no leading zeros. */
const ARRAY_INDEX = /^(?:0|[1-9]\d*)$/;

/**
 * The text of what the pointer leads to, cut out of the whole text, so that it keeps its digits and the order of
 * its keys. Call it only if `valueAt` finds something in the same text.
 *
 * @param text valid JSON
 */
export function textAt(text: string, tokens: readonly string[]): string {
  const scanner = new Scanner(text);
  let start = scanner.skipSpace(0);
  for (const token of tokens) start = scanner.startOfChild(start, token);
  return text.slice(start, scanner.endOfValue(start));
}

/** Finds where values of a valid JSON text begin and end. */
class Scanner {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  skipSpace(from: number): number {
    let index = from;
    while (SPACE.includes(this.#text.charAt(index)) && index < this.#text.length) index += 1;
    return index;
  }

  /** Where the child of the object or array at this index begins. The last of several equal keys counts. */
  startOfChild(start: number, token: string): number {
    const isObject = this.#text[start] === '{';
    let found: number | undefined;
    let index = this.skipSpace(start + 1);
    for (let element = 0; !CLOSING.includes(this.#text.charAt(index)); element += 1) {
      let key = String(element);
      if (isObject) {
        const end = this.endOfValue(index);
        key = JSON.parse(this.#text.slice(index, end)) as string;
        // Past the colon.
        index = this.skipSpace(this.skipSpace(end) + 1);
      }
      if (key === token) found = index;
      index = this.skipSpace(this.endOfValue(index));
      if (this.#text[index] === ',') index = this.skipSpace(index + 1);
    }
    if (found === undefined) throw new Error('the pointer leads nowhere');
    return found;
  }

  /** The index after the value that begins at this one. */
  endOfValue(start: number): number {
    const first = this.#text.charAt(start);
    if (first === '"') return this.#endOfString(start);
    if (first !== '{' && first !== '[') return this.#endOfLiteral(start);
    let depth = 0;
    let index = start;
    for (;;) {
      const character = this.#text.charAt(index);
      if (character === '"') {
        index = this.#endOfString(index);
        continue;
      }
      if (OPENING.includes(character)) depth += 1;
      else if (CLOSING.includes(character)) depth -= 1;
      index += 1;
      if (depth === 0) return index;
    }
  }

  #endOfString(start: number): number {
    let index = start + 1;
    while (this.#text[index] !== '"') index += this.#text[index] === '\\' ? 2 : 1;
    return index + 1;
  }

  /** A number, true, false or null. */
  #endOfLiteral(start: number): number {
    let index = start;
    while (/[\w+.-]/.test(this.#text.charAt(index))) index += 1;
    return index;
  }
}

const SPACE = ' \t\r\n';
const OPENING = '{[';
const CLOSING = '}]';
