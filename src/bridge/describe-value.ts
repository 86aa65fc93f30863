import { createHash } from 'node:crypto';

/** What the log says of a value that cannot be read. */
export interface ValueDescription {
  /** In bytes; null for a message without a value. */
  readonly length: number | null;
  readonly sha256?: string;
  /** The first bytes; what is not printable ASCII as `\xNN`, a backslash as `\\`. */
  readonly firstBytes?: string;
}

/** @param shownBytes how many of its first bytes to show; they may hold personal data */
export function describeValue(value: Buffer | null, shownBytes: number): ValueDescription {
  if (value === null) return { length: null };
  return {
    length: value.length,
    sha256: createHash('sha256').update(value).digest('hex'),
    ...(shownBytes > 0 ? { firstBytes: printable(value.subarray(0, shownBytes)) } : {}),
  };
}

const printable = (bytes: Buffer): string =>
  bytes
    .toString('latin1')
    .replaceAll('\\', '\\\\')
    .replace(
      /[^ -~]/g,
      (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`,
    );
