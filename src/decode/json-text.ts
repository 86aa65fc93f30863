import { MAX_JSON_DEPTH } from '../contract/json.ts';
import { notRepresentable, UnusableValue } from './unusable-value.ts';

/**
 * Collects a JSON text. It has a limit, because a few bytes of Avro or Protobuf can stand for any number of
 * elements.
 */
export class JsonText {
  readonly #maxBytes: number;
  #text = '';
  #depth = 0;

  /** @param maxBytes the largest text */
  constructor(maxBytes: number) {
    this.#maxBytes = Math.min(maxBytes, MAX_TEXT_BYTES);
  }

  write(text: string): void {
    this.#text += text;
    // No text has more characters than bytes.
    if (this.#text.length > this.#maxBytes) throw tooLarge(this.#maxBytes);
  }

  /**
   * Writes `open`, what `writeElements` writes, and `close`. The parser of the text recurses, and so do the
   * decoders that write it.
   */
  nest(open: '{' | '[', close: '}' | ']', writeElements: () => void): void {
    if (this.#depth === MAX_JSON_DEPTH) {
      throw notRepresentable(`nested deeper than ${MAX_JSON_DEPTH} levels`);
    }
    this.#depth += 1;
    this.write(open);
    writeElements();
    this.write(close);
    this.#depth -= 1;
  }

  toString(): string {
    return this.#text;
  }
}

/** For tools, which have no limit of their own. */
const MAX_TEXT_BYTES = 64 * 1024 * 1024;

export const tooLarge = (maxBytes: number): UnusableValue =>
  new UnusableValue(
    'too-large',
    `its JSON text has more than ${maxBytes} bytes, which a workflow takes`,
  );

export const base64Text = (bytes: Uint8Array): string =>
  `"${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')}"`;

/** The shortest text that stands for this double; NaN and the infinities have none in JSON. */
export function doubleText(value: number): string {
  if (!Number.isFinite(value)) throw notRepresentable(`the number ${value}`);
  return Object.is(value, -0) ? '-0' : String(value);
}

/** The shortest text that stands for this single-precision number: 0.1 and not 0.10000000149011612. */
export function floatText(value: number): string {
  for (let digits = 1; digits < FLOAT_MAX_DIGITS; digits += 1) {
    const rounded = Number(value.toPrecision(digits));
    if (Math.fround(rounded) === value) return doubleText(rounded);
  }
  return doubleText(Number.isFinite(value) ? Number(value.toPrecision(FLOAT_MAX_DIGITS)) : value);
}

/** So many decimal digits distinguish any two single-precision numbers. */
const FLOAT_MAX_DIGITS = 9;
