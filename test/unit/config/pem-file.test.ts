import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { readPem, type PemKind } from '../../../src/config/pem-file.ts';
import { OperatorError } from '../../../src/program/operator-error.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(path.join(tmpdir(), 'pem-'));
});
afterEach(() => {
  rmSync(dir, { recursive: true });
});

function file(text: string): string {
  const name = path.join(dir, 'file.pem');
  writeFileSync(name, text);
  return name;
}

function failureOf(setting: string, name: string, kind?: PemKind): OperatorError {
  try {
    readPem(setting, name, kind);
  } catch (error) {
    if (error instanceof OperatorError) return error;
  }
  throw new Error('expected an OperatorError');
}

const block = (label: string) => `-----BEGIN ${label}-----\nMIIB\n-----END ${label}-----\n`;

test('a file that is renamed over is read again at each call', () => {
  const name = file(`issued by somebody\n${block('CERTIFICATE')}`);
  expect(readPem('CA_FILE', name)).toContain('issued by somebody');
  file(block('CERTIFICATE'));
  expect(readPem('CA_FILE', name)).toBe(block('CERTIFICATE'));
});

test('a setting that is unset names no file', () => {
  expect(readPem('CA_FILE', undefined)).toBeUndefined();
});

test.each(['PRIVATE KEY', 'RSA PRIVATE KEY', 'EC PRIVATE KEY', 'ENCRYPTED PRIVATE KEY'])(
  'a %s is a private key and not a certificate',
  (label) => {
    const name = file(block(label));
    expect(readPem('KEY_FILE', name, 'private key')).toBe(block(label));
    expect(failureOf('CA_FILE', name).code).toBe('FILE_NOT_PEM');
  },
);

test.each([
  ['empty', ''],
  ['of another kind', block('PUBLIC KEY')],
  ['cut off', '-----BEGIN CERTIFICATE-----\nMIIB'],
  ['binary', '\u{30}\u{82}\u{01}'],
])('a file that is %s is an error that names the setting and the file', (_, text) => {
  const name = file(text);
  const error = failureOf('KAFKA_SSL_CA_FILE', name);
  expect(error.code).toBe('FILE_NOT_PEM');
  expect(error.message).toContain('KAFKA_SSL_CA_FILE');
  expect(error.message).toContain(name);
});

test('a file that cannot be read is an error that names the setting and the file', () => {
  const name = path.join(dir, 'missing.pem');
  const error = failureOf('KAFKA_SSL_CA_FILE', name);
  expect(error.code).toBe('FILE_UNREADABLE');
  expect(error.message).toContain(
    `KAFKA_SSL_CA_FILE names a file that cannot be read: ${name} (ENOENT`,
  );
});
