import { mismatch, notRepresentable } from './unusable-value.ts';

/** More than a Postgres `numeric` holds, and few enough for converting them to take milliseconds. */
const MAX_DIGITS = 150_000;
/** log10(256) is 2.41 digits. */
const MAX_BYTES = Math.floor(MAX_DIGITS / 2.41);

/**
 * The decimal number `unscaled` × 10^-`scale` with all its digits: 1050 with scale 2 is `10.50`.
 *
 * @param unscaled a big-endian integer in two's complement, as in Avro and Java's `BigInteger`
 */
export function decimalOfBytes(unscaled: Uint8Array, scale: number): string {
  if (unscaled.length === 0) throw mismatch('a decimal has no bytes');
  if (unscaled.length > MAX_BYTES) throw tooLong();
  const hex = Buffer.from(unscaled.buffer, unscaled.byteOffset, unscaled.byteLength).toString(
    'hex',
  );
  return decimalText(BigInt.asIntN(unscaled.length * 8, BigInt(`0x${hex}`)), scale);
}

/** The decimal number `unscaled` × 10^-`scale` with all its digits. */
export function decimalText(unscaled: bigint, scale: number): string {
  if (Math.abs(scale) > MAX_DIGITS) throw tooLong();
  const sign = unscaled < 0n ? '-' : '';
  const digits = (unscaled < 0n ? -unscaled : unscaled).toString();
  if (scale <= 0) return unscaled === 0n ? '0' : sign + digits + '0'.repeat(-scale);
  const padded = digits.padStart(scale + 1, '0');
  return `${sign}${padded.slice(0, -scale)}.${padded.slice(-scale)}`;
}

const tooLong = () => notRepresentable(`a decimal with more than ${MAX_DIGITS} digits`);
