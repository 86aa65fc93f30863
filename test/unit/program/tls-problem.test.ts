import { generateKeyPairSync } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import {
  describeCertificateError,
  describeTlsError,
  namesInCertificate,
  tlsProblemOf,
} from '../../../src/program/tls-problem.ts';

const errorWith = (properties: object, message = '') =>
  Object.assign(new Error(message), properties);
const openSsl = (reason: string) =>
  `write EPROTO 809C:error:0A00010B:SSL routines:ssl3_get_record:${reason}:../ssl3_record.c:350:\n`;

test.each([
  ['SELF_SIGNED_CERT_IN_CHAIN', 'authority-unknown'],
  ['ERR_TLS_CERT_ALTNAME_INVALID', 'host-name-differs'],
  ['CERT_HAS_EXPIRED', 'server-certificate-expired'],
  ['ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', 'client-certificate-missing'],
  ['ERR_SSL_TLSV1_ALERT_UNKNOWN_CA', 'client-certificate-rejected'],
  ['ERR_SSL_WRONG_VERSION_NUMBER', 'not-tls'],
  ['ECONNREFUSED', undefined],
])('%s is %s', (code, problem) => {
  expect(tlsProblemOf(errorWith({ code }))).toBe(problem);
});

test.each([
  ['wrong version number', 'not-tls'],
  ['sslv3 alert certificate expired', 'client-certificate-rejected'],
  ['tlsv1 alert unknown ca', 'client-certificate-rejected'],
  ['tlsv13 alert certificate required', 'client-certificate-missing'],
  ['something else', undefined],
])('EPROTO because of "%s" is %s', (reason, problem) => {
  expect(tlsProblemOf(errorWith({ code: 'EPROTO' }, openSsl(reason)))).toBe(problem);
});

test('what is not an error of a connection is no problem of TLS', () => {
  for (const thrown of [undefined, 'CERT_HAS_EXPIRED', new Error('x')])
    expect(tlsProblemOf(thrown)).toBeUndefined();
});

test('the description is the reason alone', () => {
  expect(describeTlsError(errorWith({}, openSsl('sslv3 alert certificate expired')))).toBe(
    'certificate expired',
  );
  expect(describeTlsError(errorWith({ reason: 'tlsv1 alert unknown ca' }))).toBe('unknown ca');
  expect(describeTlsError(new Error('self-signed certificate'))).toBe('self-signed certificate');
});

test('the names of a certificate are listed', () => {
  const cert = { subjectaltname: 'DNS:a.example.org, IP Address:10.0.0.1' };
  expect(namesInCertificate(errorWith({ cert }))).toBe('a.example.org, 10.0.0.1');
  expect(namesInCertificate(new Error('x'))).toBe('no host name');
});

describe('an encrypted private key', () => {
  const key = encryptedKey();

  /** With the reason of OpenSSL, and the one that an operator reads. */
  function reasonsWith(passphrase: string | undefined) {
    try {
      createSecureContext({ key, passphrase });
    } catch (error) {
      return [String(error), describeCertificateError(error, { key, passphrase })] as const;
    }
    return undefined;
  }

  test('is readable with its passphrase', () => {
    expect(reasonsWith('right')).toBeUndefined();
  });

  test('without its passphrase', () => {
    expect(reasonsWith(undefined)?.[1]).toContain('passphrase is wrong or missing');
  });

  test('with a wrong passphrase, whatever OpenSSL calls it', () => {
    const seen = new Map<string, string>();
    // About one in 256 gives another reason.
    for (let attempt = 0; seen.size < 2; attempt += 1) {
      const [openSsls, ours] = reasonsWith(`wrong ${attempt}`) ?? ['none', 'none'];
      seen.set(openSsls, ours);
    }
    expect([...seen.keys()]).toContainEqual(expect.stringContaining('unsupported'));
    for (const ours of seen.values()) expect(ours).toContain('passphrase is wrong or missing');
  });
});

function encryptedKey(): string {
  const { privateKey } = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: {
      ...{ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'right' },
    },
  });
  return privateKey;
}
