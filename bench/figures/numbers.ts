import type { Spread } from '../harness/compare.ts';

/** Three significant digits, with separators: `1,060,000`, `22.4`, `0.951`. Whole numbers stay as they are up to 9,999. */
export function rounded(figure: number): string {
  if (figure === 0) return '0';
  if (Number.isInteger(figure) && figure < 10_000) return figure.toLocaleString('en');
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(figure))));
  return Number(figure.toPrecision(3)).toLocaleString('en', { maximumFractionDigits: digits });
}

/** For small differences, whose further digits mean nothing. */
export const tenths = (figure: number): string => figure.toFixed(1);

/** A ratio: two decimals, as many for each. */
export const ratioOf = (figure: number): string =>
  Number.isInteger(figure) ? String(figure) : figure.toFixed(2);

/** `1.14 (1.06 to 1.38)`, or one figure if all rounds gave the same. */
export const spread = (
  { median, low, high }: Spread,
  show: (figure: number) => string = ratioOf,
): string => (low === high ? show(median) : `${show(median)} (${show(low)} to ${show(high)})`);

/** `110/s`, `181 MiB` or `4.83 ms per second`. What a rate or a CPU time is of, the heading says. */
export const withUnit = (figure: number, unit: string): string => rounded(figure) + suffix(unit);

/** `4.83 (4.67 to 5.17) ms per second`. */
export const spreadWithUnit = (figures: Spread, unit: string): string =>
  spread(figures, rounded) + suffix(unit);

const suffix = (unit: string) =>
  unit.endsWith('/s') ? '/s' : ` ${unit.replace(/^CPU ms$/, 'ms')}`;
