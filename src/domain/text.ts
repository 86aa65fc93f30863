/** UTF-16 holds a character as one unit or as a surrogate pair; half a pair is not a character. */
const LONE_SURROGATE = /[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/;

/**
 * Whether the text can be written as UTF-8 and read back unchanged. A lone surrogate cannot:
 * Node's encoder silently replaces it with U+FFFD.
 */
export const isWellFormed = (text: string): boolean => !LONE_SURROGATE.test(text);

/** Length in Unicode code points, the unit in which Postgres and a reader count. */
export function characterCount(text: string): number {
  let count = 0;
  for (let index = 0; index < text.length; index += 1) {
    if ((text.codePointAt(index) ?? 0) > 0xffff) index += 1;
    count += 1;
  }
  return count;
}
