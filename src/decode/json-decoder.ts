import { isUtf8 } from 'node:buffer';
import { isJsonObject, jsonKind, parseJson, type Json } from '../contract/json.ts';
import { unusable, type Decoded, type Unusable } from './value-decoder.ts';

const BYTE_ORDER_MARK = '\uFEFF';

/** Decodes a value that is a JSON object in UTF-8. */
export function decodeJson(value: Uint8Array | null, maxBytes: number): Decoded {
  if (value === null) return unusable('tombstone', 'the message has no value');
  if (value.length > maxBytes) {
    return unusable('too-large', `${value.length} bytes; a workflow takes ${maxBytes}`);
  }
  const parsed = parseJsonBytes(value);
  return parsed.kind === 'unusable' ? parsed : decodedObject(parsed.text, parsed.json);
}

/** The text of a value in UTF-8 without a byte order mark, and what `parseJson` makes of it. */
export function parseJsonBytes(
  value: Uint8Array,
): { readonly kind: 'parsed'; readonly text: string; readonly json: Json } | Unusable {
  if (!isUtf8(value)) return unusable('not-utf8', 'the value is not valid UTF-8');
  const decoded = Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('utf8');
  // RFC 8259, section 8.1, allows a parser to ignore it.
  const text = decoded.startsWith(BYTE_ORDER_MARK) ? decoded.slice(1) : decoded;
  const json = parseJson(text);
  return json.ok ? { kind: 'parsed', text, json: json.value } : unusable('not-json', json.error);
}

/** An order is an object. */
export const decodedObject = (text: string, json: Json): Decoded =>
  isJsonObject(json)
    ? { kind: 'decoded', text, json }
    : unusable('not-an-object', `expected a JSON object, received ${jsonKind(json)}`);
