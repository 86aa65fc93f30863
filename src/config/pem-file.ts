import { readFileSync } from 'node:fs';
import { describeError, OperatorError } from '../program/operator-error.ts';

export type PemKind = 'certificate' | 'private key';

const BLOCKS: Readonly<Record<PemKind, RegExp>> = {
  certificate: pemBlock('(?:TRUSTED |X509 )?CERTIFICATE'),
  'private key': pemBlock('(?:[A-Z]+ )?PRIVATE KEY'),
};

/** Both lines, so that a file that was cut off is recognized. */
function pemBlock(label: string): RegExp {
  return new RegExp(`-----BEGIN (${label})-----[\\s\\S]+?-----END \\1-----`);
}

/**
 * The text of a PEM file that a setting names, read again at each call, because certificates are renewed while
 * a program runs. Undefined if the setting is unset.
 *
 * Throws an OperatorError that names the setting and the file if it cannot be read, or holds nothing of this
 * kind: OpenSSL ignores such a file, and the connection then fails for another reason.
 */
export function readPem(setting: string, file: string, kind?: PemKind): string;
export function readPem(
  setting: string,
  file: string | undefined,
  kind?: PemKind,
): string | undefined;
export function readPem(
  setting: string,
  file: string | undefined,
  kind: PemKind = 'certificate',
): string | undefined {
  if (file === undefined) return undefined;
  const text = readText(setting, file, kind);
  if (BLOCKS[kind].test(text)) return text;
  throw new OperatorError(
    'FILE_NOT_PEM',
    `${setting} names a file without a ${kind} in PEM format: ${file}`,
    `set it to a PEM file, which has a line "-----BEGIN ${kind === 'certificate' ? 'CERTIFICATE' : 'PRIVATE KEY'}-----"; \`openssl pkcs12 -in FILE -nodes\` converts a PKCS #12 file`,
  );
}

function readText(setting: string, file: string, kind: PemKind): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    // Node.js names the path for some errors only.
    const reason = describeError(error).replace(/, \w+( '.*')?$/s, '');
    throw new OperatorError(
      'FILE_UNREADABLE',
      `${setting} names a file that cannot be read: ${file} (${reason})`,
      `set it to the PEM file of the ${kind}, which this user must be able to read`,
      { cause: error },
    );
  }
}
