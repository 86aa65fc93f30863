import { createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { hasBearerToken } from '../../http/bearer-token.ts';

export interface CodecAccess {
  /** Origins of web pages that may use the server. */
  readonly origins: readonly string[];
  /** Returns the present token; undefined if none is set, for a server that only its own host can reach. */
  readonly token: (() => string) | undefined;
  /** Whether the server uses TLS itself. */
  readonly hasTls: boolean;
}

const COOKIE = 'codec_server';
const COOKIE_SECONDS = 12 * 3600;

/**
 * Whether the request comes from no web page or from an allowed one. Browsers add `origin` to every request with
 * another method than GET and HEAD.
 */
export const isAllowedOrigin = ({ headers }: IncomingMessage, { origins }: CodecAccess): boolean =>
  headers.origin === undefined || origins.includes(headers.origin);

/** Whether the client has the token, in the header `authorization` or in the cookie of `/login`. */
export function isAuthorized(request: IncomingMessage, { token }: CodecAccess): boolean {
  return token === undefined || hasBearerToken(request, token) || hasCookie(request, token);
}

function hasCookie({ headers }: IncomingMessage, token: () => string): boolean {
  const cookies = (headers.cookie ?? '').split(/; */);
  const given = cookies.find((cookie) => cookie.startsWith(`${COOKIE}=`));
  if (given === undefined) return false;
  return isSame(given.slice(COOKIE.length + 1), cookieValue(token()));
}

export const isToken = (given: string, token: () => string): boolean =>
  isSame(cookieValue(given), cookieValue(token()));

/** In constant time for texts of the same length, as all values of the cookie are. */
function isSame(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)];
  return a.length === b.length && timingSafeEqual(a, b);
}

/** The browser keeps this instead of the token, from which it follows: another token makes it invalid. */
const cookieValue = (token: string): string =>
  createHmac('sha256', token).update('cookie of the codec server').digest('base64url');

/**
 * Only the page of an allowed origin on the same site makes a browser send it, as host names below one registrable
 * domain or different ports of one host are.
 */
export const loginCookie = ({ hasTls }: CodecAccess, token: string): string =>
  [
    `${COOKIE}=${cookieValue(token)}`,
    ...['Path=/', `Max-Age=${COOKIE_SECONDS}`, 'HttpOnly', 'SameSite=Strict'],
    ...(hasTls ? ['Secure'] : []),
  ].join('; ');

export const LOGIN_HOURS = COOKIE_SECONDS / 3600;
