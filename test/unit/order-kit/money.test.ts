import fc from 'fast-check';
import { Money } from '../../../src/order-kit/money.ts';

describe('an amount of money', () => {
  test.each([
    ['0.10', '0.10'],
    ['12345678901234567.89', '12345678901234567.89'],
    ['0.1000000000000000055', '0.1000000000000000055'],
    ['0', '0'],
    ['-0.00', '0.00'],
    ['1e2', '100'],
    ['1.50e1', '15.0'],
    ['1.5E-3', '0.0015'],
    ['9007199254740993', '9007199254740993'],
  ])('%s keeps its digits: %s', (text, plain) => {
    expect(Money.from(text).toPlainString()).toBe(plain);
  });

  test.each([
    '-1',
    '-0.01',
    '',
    ' 1',
    '1 ',
    '01',
    '.5',
    '5.',
    '+1',
    '1,50',
    'NaN',
    'Infinity',
    '0x10',
    '1e',
    '1_000',
    '１',
  ])('%j is invalid', (text) => {
    expect(Money.parse(text).ok).toBe(false);
  });

  test('accepts a JavaScript number', () => {
    fc.assert(
      fc.property(fc.oneof(fc.double(), fc.integer()), (number) => {
        const fromNumber = Money.parse(number);
        const fromText = Money.parse(String(number));
        expect(fromNumber).toEqual(fromText);
        expect(fromNumber.ok && fromNumber.value.toString()).toBe(
          fromText.ok && fromText.value.toString(),
        );
      }),
      { examples: [[Infinity], [-Infinity], [NaN], [-0], [1e21], [1e-7]] },
    );
  });

  test('has at most as many digits as a Postgres numeric', () => {
    expect(Money.parse(`1${'0'.repeat(131_071)}`).ok).toBe(true);
    expect(Money.parse(`1${'0'.repeat(131_072)}`).ok).toBe(false);
    expect(Money.parse('1e131071').ok).toBe(true);
    expect(Money.parse('1e131072').ok).toBe(false);
    expect(Money.parse(`0.${'1'.repeat(16_383)}`).ok).toBe(true);
    expect(Money.parse(`0.${'1'.repeat(16_384)}`).ok).toBe(false);
    expect(Money.parse('1e-16384').ok).toBe(false);
    expect(Money.parse('1e99999999999999999999').ok).toBe(false);
  });

  test('stays as short as it was written, however large', () => {
    expect(Money.from('1e131071').toString()).toBe('1e131071');
  });

  test('keeps any decimal as it was written', () => {
    const digits = (max: number) =>
      fc
        .array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: max })
        .map((d) => d.join(''));
    const decimal = fc.tuple(digits(40), digits(40)).map(([integer, fraction]) => {
      const significant = integer.replace(/^0+(?=\d)/, '');
      return `${significant}.${fraction}`;
    });
    fc.assert(
      fc.property(decimal, (text) => {
        expect(Money.from(text).toPlainString()).toBe(text);
      }),
    );
  });
});
