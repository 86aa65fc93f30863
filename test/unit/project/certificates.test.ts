import { createPrivateKey, X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { connect, createServer, type TLSSocket } from 'node:tls';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import {
  createCertificates,
  issueCertificate,
  KEY_PASSPHRASE,
} from '../../../dev/stack/certificates.ts';

let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'certificates-'));
  await createCertificates(folder);
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

const text = (file: string) => readFileSync(path.join(folder, file), 'utf8');
const certificate = (name: string) => new X509Certificate(text(`${name}.crt`));
const key = (name: string, passphrase?: string) =>
  createPrivateKey({ key: text(`${name}.key`), ...(passphrase ? { passphrase } : {}) });

const NAMES = ['server', 'server-renewed', 'client-bridge', 'client-worker', 'client-operator'];

test.each(NAMES)('%s is signed by the authority, is valid now and has its key', (name) => {
  const one = certificate(name);

  expect(one.verify(certificate('ca').publicKey)).toBe(true);
  expect(one.checkPrivateKey(key(name))).toBe(true);
  expect(Date.parse(one.validFrom)).toBeLessThan(Date.now());
  expect(Date.parse(one.validTo)).toBeGreaterThan(Date.now());
});

test('the certificates for failures are wrong in one way only', () => {
  const authority = certificate('ca');

  expect(certificate('server').checkHost('localhost')).toBe('localhost');
  expect(certificate('server').checkIP('127.0.0.1')).toBe('127.0.0.1');
  expect(certificate('server').checkIP('::1')).toBe('::1');
  expect(certificate('wrong-name').verify(authority.publicKey)).toBe(true);
  expect(certificate('wrong-name').checkHost('localhost')).toBeUndefined();
  for (const name of ['expired', 'client-expired']) {
    expect(certificate(name).verify(authority.publicKey)).toBe(true);
    expect(Date.parse(certificate(name).validTo)).toBeLessThan(Date.now());
  }
  for (const name of ['server-other-ca', 'client-other-ca']) {
    expect(certificate(name).verify(authority.publicKey)).toBe(false);
    expect(certificate(name).verify(certificate('other-ca').publicKey)).toBe(true);
  }
});

test('a client key can be read with its passphrase only', () => {
  expect(text('client-passphrase.key')).toContain('BEGIN ENCRYPTED PRIVATE KEY');
  expect(() => key('client-passphrase')).toThrow();
  expect(
    certificate('client-passphrase').checkPrivateKey(key('client-passphrase', KEY_PASSPHRASE)),
  ).toBe(true);
});

test('existing certificates are kept, and another one of the same authority replaces one', async () => {
  const before = text('server-renewed.crt');

  await createCertificates(folder);
  expect(text('server-renewed.crt')).toBe(before);

  await issueCertificate(folder, { name: 'server-renewed', commonName: 'a', hosts: ['localhost'] });
  expect(text('server-renewed.crt')).not.toBe(before);
  expect(certificate('server-renewed').verify(certificate('ca').publicKey)).toBe(true);
});

test('a server and a client with these certificates accept each other', async () => {
  const ca = text('ca.crt');
  const server = createServer({
    key: text('server.key'),
    cert: text('server.crt'),
    ca,
    requestCert: true,
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const accepted = once(server, 'secureConnection') as Promise<[TLSSocket]>;
  const client = connect({
    host: '127.0.0.1',
    port: (server.address() as AddressInfo).port,
    servername: 'localhost',
    ca,
    key: text('client-bridge.key'),
    cert: text('client-bridge.crt'),
  });
  const [socket] = await accepted;

  expect(socket.authorized).toBe(true);
  expect(socket.getPeerCertificate().subject.CN).toBe('bridge');
  client.destroy();
  server.close();
});
