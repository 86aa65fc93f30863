import { createPrivateKey, randomBytes, webcrypto } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
// The library's dependency injection needs it, and it has to come first.
import 'reflect-metadata';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
  type JsonGeneralName,
} from '@peculiar/x509';

/** The file of the certificate authority that signs everything, unless the name says otherwise. */
export const CA_FILE = 'ca.crt';

/** The passphrase of `client-passphrase.key`. */
export const KEY_PASSPHRASE = 'passphrase of the key';

/** A certificate and its key, to be written as `<name>.crt` and `<name>.key`. */
export interface Leaf {
  /** The name of the files, without their extensions. */
  readonly name: string;
  readonly commonName: string;
  /** Host names and addresses for which a server may use it. */
  readonly hosts?: readonly string[];
  /** The authority that signs it. */
  readonly authority?: 'ca' | 'other-ca';
  /** Default: a day ago. */
  readonly validFrom?: Date;
  /** Default: in 30 days. */
  readonly validUntil?: Date;
  /** Encrypts the key. */
  readonly passphrase?: string;
}

const DAY_MS = 86_400_000;
const LOCAL_HOSTS = ['localhost', '127.0.0.1', '::1'];
const daysFromNow = (days: number) => new Date(Date.now() + days * DAY_MS);
const EXPIRED = { validFrom: daysFromNow(-30), validUntil: daysFromNow(-1) };

const LEAVES: readonly Leaf[] = [
  { name: 'server', commonName: 'localhost', hosts: LOCAL_HOSTS },
  { name: 'server-renewed', commonName: 'localhost', hosts: LOCAL_HOSTS },
  { name: 'server-other-ca', commonName: 'localhost', hosts: LOCAL_HOSTS, authority: 'other-ca' },
  { name: 'wrong-name', commonName: 'kafka.example.org', hosts: ['kafka.example.org'] },
  { name: 'expired', commonName: 'localhost', hosts: LOCAL_HOSTS, ...EXPIRED },
  { name: 'client-bridge', commonName: 'bridge' },
  { name: 'client-worker', commonName: 'worker' },
  { name: 'client-operator', commonName: 'operator' },
  { name: 'client-passphrase', commonName: 'bridge', passphrase: KEY_PASSPHRASE },
  { name: 'client-expired', commonName: 'bridge', ...EXPIRED },
  { name: 'client-other-ca', commonName: 'bridge', authority: 'other-ca' },
];

/**
 * Creates two certificate authorities (`ca`, `other-ca`) and the certificates of servers and clients that a
 * secured stack and its tests need, as PEM files. A folder that has them is left as it is.
 */
export async function createCertificates(folder: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  // The last file that is written.
  if (existsSync(path.join(folder, `${LEAVES.at(-1)?.name}.crt`))) return;
  await createAuthority(folder, 'ca');
  await createAuthority(folder, 'other-ca');
  for (const leaf of LEAVES) await issueCertificate(folder, leaf);
}

/** Writes another certificate of an authority in the folder, which replaces one of the same name. */
export async function issueCertificate(folder: string, leaf: Leaf): Promise<void> {
  const { name, commonName, hosts = [], authority = 'ca', passphrase } = leaf;
  const issuer = new X509Certificate(readFileSync(path.join(folder, `${authority}.crt`), 'utf8'));
  const keys = await generateKeys();
  const certificate = await X509CertificateGenerator.create({
    ...validity(leaf),
    subject: `CN=${commonName}`,
    issuer: issuer.subjectName,
    publicKey: keys.publicKey,
    signingKey: await readKey(path.join(folder, `${authority}.key`)),
    signingAlgorithm: SIGNATURE,
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth, ExtendedKeyUsage.clientAuth]),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
      await AuthorityKeyIdentifierExtension.create(issuer),
      ...(hosts.length === 0 ? [] : [new SubjectAlternativeNameExtension(hosts.map(generalName))]),
    ],
  });
  await writePair(folder, name, certificate, keys.privateKey, passphrase);
}

async function createAuthority(folder: string, name: string): Promise<void> {
  const keys = await generateKeys();
  const certificate = await X509CertificateGenerator.createSelfSigned({
    ...validity({}),
    name: `CN=${name}`,
    keys,
    signingAlgorithm: SIGNATURE,
    extensions: [
      new BasicConstraintsExtension(true, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  await writePair(folder, name, certificate, keys.privateKey);
}

/** P-256, because RSA keys take seconds to generate. */
const KEY = { name: 'ECDSA', namedCurve: 'P-256' } as const;
const SIGNATURE = { name: 'ECDSA', hash: 'SHA-256' } as const;

const generateKeys = () => webcrypto.subtle.generateKey(KEY, true, ['sign', 'verify']);

const generalName = (host: string): JsonGeneralName => ({
  type: /^[\d.]+$|:/.test(host) ? 'ip' : 'dns',
  value: host,
});

const validity = ({ validFrom, validUntil }: Partial<Leaf>) => ({
  // The highest bit would make it negative.
  serialNumber: `01${randomBytes(15).toString('hex')}`,
  notBefore: validFrom ?? daysFromNow(-1),
  notAfter: validUntil ?? daysFromNow(30),
});

async function readKey(file: string): Promise<webcrypto.CryptoKey> {
  const der = createPrivateKey(readFileSync(file)).export({ type: 'pkcs8', format: 'der' });
  return webcrypto.subtle.importKey('pkcs8', der, KEY, false, ['sign']);
}

/** The certificate last: a file that appears has its key. Replacing them is not atomic. */
async function writePair(
  folder: string,
  name: string,
  certificate: X509Certificate,
  privateKey: webcrypto.CryptoKey,
  passphrase?: string,
): Promise<void> {
  const key = createPrivateKey({
    key: Buffer.from(await webcrypto.subtle.exportKey('pkcs8', privateKey)),
    type: 'pkcs8',
    format: 'der',
  });
  const pem = key.export({
    type: 'pkcs8',
    format: 'pem',
    ...(passphrase === undefined ? {} : { cipher: 'aes-256-cbc', passphrase }),
  });
  // Postgres rejects a key that others can read.
  writeFileSync(path.join(folder, `${name}.key`), pem, { mode: 0o600 });
  writeFileSync(path.join(folder, `${name}.crt`), `${certificate.toString('pem')}\n`);
}
