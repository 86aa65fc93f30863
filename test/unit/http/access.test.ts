import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { isTrusted, refusalOf, type AccessRules } from '../../../src/http/access.ts';

const OPEN: AccessRules = { token: undefined, asksForCertificates: false, hosts: [] };

function requestFrom(remote: string, local: string): IncomingMessage {
  const socket = Object.defineProperties(new Socket(), {
    remoteAddress: { value: remote },
    localAddress: { value: local },
  });
  const request = new IncomingMessage(socket);
  request.headers = { host: '192.0.2.9:9464', 'content-type': 'application/json' };
  return request;
}

test.each([
  ['127.0.0.1', '127.0.0.1', true],
  ['::1', '::1', true],
  ['::ffff:127.0.0.1', '::ffff:127.0.0.1', true],
  ['192.0.2.9', '192.0.2.9', true],
  ['192.0.2.1', '192.0.2.9', false],
  ['::ffff:192.0.2.1', '::ffff:192.0.2.9', false],
  ['2001:db8::1', '2001:db8::9', false],
])('without a token, a client at %s of a server at %s is trusted: %s', (remote, local, trusted) => {
  const request = requestFrom(remote, local);
  expect(isTrusted(request, OPEN)).toBe(trusted);
  expect(refusalOf(request, OPEN)?.status).toBe(trusted ? undefined : 403);
});

test('where certificates of clients are asked for, a client on the same host needs one', () => {
  const rules = { ...OPEN, asksForCertificates: true };
  expect(isTrusted(requestFrom('127.0.0.1', '127.0.0.1'), rules)).toBe(false);
});
