import { hash } from 'node:crypto';
import { canonicalJson, type Json } from './json.ts';

/**
 * SHA-256, in hexadecimal, of the message's JSON value. White space and the order of keys do not
 * change it; every digit of a number does.
 */
export const fingerprintOf = (value: Json): string => hash('sha256', canonicalJson(value));
