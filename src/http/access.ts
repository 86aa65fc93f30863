import { hostname } from 'node:os';
import { isIP } from 'node:net';
import type { IncomingMessage } from 'node:http';
import { TLSSocket } from 'node:tls';
import { hasBearerToken } from './bearer-token.ts';

export interface AccessRules {
  /** Returns the present token, read again for each request that needs it. Undefined if none is set. */
  readonly token: (() => string) | undefined;
  /** Whether the server asks for client certificates. One that it trusts counts like the token. */
  readonly asksForCertificates: boolean;
  /** Names by which clients may address the server, besides IP addresses, `localhost` and this host's name. */
  readonly hosts: readonly string[];
}

/**
 * Whether the client may see and do everything. With a token or client certificates, it has to present one of
 * them; otherwise it has to be on this host.
 */
export function isTrusted(request: IncomingMessage, rules: AccessRules): boolean {
  if (!needsCredential(rules)) return isLocal(request) && isOwnHost(request, rules);
  // Node calls a resumed TLS 1.3 session authorized, also if its client has never sent a certificate.
  const { socket } = request;
  const isCertified =
    socket instanceof TLSSocket &&
    socket.authorized &&
    socket.getPeerX509Certificate() !== undefined;
  if (isCertified) return true;
  return rules.token !== undefined && hasBearerToken(request, rules.token);
}

export const needsCredential = ({ token, asksForCertificates }: AccessRules): boolean =>
  asksForCertificates || token !== undefined;

export interface Refusal {
  readonly status: 401 | 403 | 415;
  readonly error: string;
}

/**
 * Why a request that changes something is refused, if it is. A web page must not be able to send one: browsers
 * add `origin`, let a page of another origin send `application/json` only after asking the server, and name the
 * page's host where its name has been made to resolve to this server (DNS rebinding).
 */
export function refusalOf(request: IncomingMessage, rules: AccessRules): Refusal | undefined {
  const { headers } = request;
  if (headers.origin !== undefined || headers['sec-fetch-site'] !== undefined) {
    return { status: 403, error: 'requests of web pages are not accepted' };
  }
  if (!isOwnHost(request, rules)) {
    return {
      status: 403,
      error: 'the header "host" is not an accepted name of this server (BRIDGE_HTTP_ALLOWED_HOSTS)',
    };
  }
  if (!/^application\/json *(?:;|$)/i.test(headers['content-type'] ?? '')) {
    return { status: 415, error: 'expected the header "content-type: application/json"' };
  }
  if (isTrusted(request, rules)) return undefined;
  return needsCredential(rules)
    ? { status: 401, error: 'expected the header "authorization: Bearer TOKEN"' }
    : {
        status: 403,
        error: 'without BRIDGE_HTTP_TOKEN, this is accepted only from the host of the bridge',
      };
}

/** A client without the header is no browser. */
function isOwnHost({ headers }: IncomingMessage, { hosts }: AccessRules): boolean {
  if (headers.host === undefined) return true;
  const name = hostOf(headers.host);
  return (
    isIP(name.replace(/^\[(.*)\]$/, '$1')) !== 0 ||
    ['localhost', hostname(), ...hosts].some((own) => own.toLowerCase() === name)
  );
}

/** Without its port, in lower case. */
const hostOf = (header: string): string => header.toLowerCase().replace(/:\d*$/, '');

/** Whether the client is on this host, or in this pod or container, and no proxy. */
function isLocal({ socket, headers }: IncomingMessage): boolean {
  if (Object.keys(headers).some((name) => /^(?:x-forwarded-|forwarded$|via$)/.test(name)))
    return false;
  const address = socket.remoteAddress?.replace(/^::ffff:/, '');
  if (address === undefined) return false;
  return (
    /^127\./.test(address) ||
    address === '::1' ||
    address === socket.localAddress?.replace(/^::ffff:/, '')
  );
}
