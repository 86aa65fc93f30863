import Big from 'big.js';
import fc from 'fast-check';
import { canonicalDecimal } from '../../../src/order-kit/decimal.ts';

describe('the canonical text of a decimal', () => {
  test.each([
    ['10.50', '10.5'],
    ['10.5', '10.5'],
    ['1.05e1', '10.5'],
    ['0.105E+2', '10.5'],
    ['100', '100'],
    ['1e2', '100'],
    ['-0.00', '0'],
    ['0e5', '0'],
    ['-1.0', '-1'],
    ['1.5e-3', '0.0015'],
    ['1e131071', '1e131071'],
    ['10e131070', '1e131071'],
    ['12345678901234567.890', '12345678901234567.89'],
    ['1e-20', '1e-20'],
    ['123456789012345678901.5', '1234567890123456789015e-1'],
  ])('of %s is %s', (digits, canonical) => {
    expect(canonicalDecimal(digits)).toBe(canonical);
  });

  test('keeps a number unchanged whose exponent is too long for a JavaScript number', () => {
    const digits = `1e${'9'.repeat(30)}`;
    expect(canonicalDecimal(digits)).toBe(digits);
  });

  test('is equal for equal values only, however they are written', () => {
    const digits = fc
      .tuple(
        fc.boolean(),
        fc.stringMatching(/^(0|[1-9]0{0,4}[0-9]{0,18}0{0,4})$/),
        fc.option(fc.stringMatching(/^0{0,4}[0-9]{1,12}0{0,4}$/)),
        fc.option(fc.integer({ min: -25, max: 25 })),
      )
      .map(
        ([negative, integer, fraction, exponent]) =>
          `${negative ? '-' : ''}${integer}${fraction === null ? '' : `.${fraction}`}${exponent === null ? '' : `e${exponent}`}`,
      );
    const respelled = (text: string) =>
      fc.integer({ min: 0, max: 30 }).map((zeros) => new Big(text).toFixed(60 + zeros));
    fc.assert(
      fc.property(
        digits.chain((text) => fc.tuple(fc.constant(text), respelled(text))),
        digits,
        ([text, same], other) => {
          const canonical = canonicalDecimal(text);
          expect(new Big(canonical).eq(text)).toBe(true);
          expect(canonicalDecimal(same)).toBe(canonical);
          expect(canonicalDecimal(other) === canonical).toBe(new Big(other).eq(text));
        },
      ),
      { numRuns: 2000 },
    );
  });

  test('takes linear time', () => {
    const zeros = '0'.repeat(1_000_000);
    expect(canonicalDecimal(`1${zeros}1.${zeros}1${zeros}`)).toBe(`1${zeros}1${zeros}1e-1000001`);
  });
});
