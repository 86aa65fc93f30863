/** A longer number is written with an exponent, so that `1e131071` stays short. */
const MAX_PLAIN_CHARACTERS = 21;

/** The fast path: most numbers are already in canonical form. */
const CANONICAL = /^(?:0|-?(?:[1-9]\d{0,20}|(?:0|[1-9]\d{0,14})\.\d{0,4}[1-9]))$/;

const DECIMAL = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/;

/** A JavaScript number holds such an exponent exactly, also after the number of digits is added. */
const MAX_EXPONENT_CHARACTERS = 15;

/**
 * The canonical text of a decimal value, without loss: `10.50`, `10.5` and `1.05e1` become `10.5`, and `-0`
 * becomes `0`. A number whose exponent has more than 15 characters is returned unchanged.
 *
 * @param digits a JSON number (RFC 8259, section 6)
 */
export function canonicalDecimal(digits: string): string {
  if (CANONICAL.test(digits)) return digits;
  const [, sign = '', integer = '', fraction = '', exponentText = '0'] = DECIMAL.exec(digits) ?? [];
  if (exponentText.length > MAX_EXPONENT_CHARACTERS) return digits;
  const all = integer + fraction;
  const [start, end] = significantRange(all);
  if (start === end) return '0';
  const significant = all.slice(start, end);
  const exponent = Number(exponentText) - fraction.length + (all.length - end);
  return sign + (plain(significant, exponent) ?? `${significant}e${exponent}`);
}

const ZERO = 0x30;

/** The range without zeros at either end. A regular expression for this could take quadratic time. */
function significantRange(digits: string): [start: number, end: number] {
  let start = 0;
  let end = digits.length;
  while (start < end && digits.charCodeAt(start) === ZERO) start += 1;
  while (end > start && digits.charCodeAt(end - 1) === ZERO) end -= 1;
  return [start, end];
}

/** The number without an exponent; undefined if that is too long. */
function plain(significant: string, exponent: number): string | undefined {
  const { length } = significant;
  if (exponent >= 0) {
    return length + exponent <= MAX_PLAIN_CHARACTERS
      ? significant + '0'.repeat(exponent)
      : undefined;
  }
  const point = length + exponent;
  if (point > 0) {
    return length < MAX_PLAIN_CHARACTERS
      ? `${significant.slice(0, point)}.${significant.slice(point)}`
      : undefined;
  }
  return 2 - exponent <= MAX_PLAIN_CHARACTERS ? `0.${'0'.repeat(-point)}${significant}` : undefined;
}
