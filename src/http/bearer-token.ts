import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

/**
 * Whether the request has this token in its header `authorization`, compared in constant time.
 *
 * @param token called only if the request has one
 */
export function hasBearerToken({ headers }: IncomingMessage, token: () => string): boolean {
  const given = /^Bearer +(\S+) *$/i.exec(headers.authorization ?? '')?.[1];
  return given !== undefined && timingSafeEqual(sha256(given), sha256(token()));
}

/** Of the same length for every token, as `timingSafeEqual` requires. */
const sha256 = (text: string): Buffer => createHash('sha256').update(text).digest();
