import { isUtf8 } from 'node:buffer';
import { isJsonObject, jsonKind, parseJson } from '../contract/json.ts';
import { unusable, type Decoded } from './value-decoder.ts';

const BYTE_ORDER_MARK = '\uFEFF';

/** Decodes a value that is a JSON object in UTF-8. */
export function decodeJson(value: Uint8Array | null, maxBytes: number): Decoded {
  if (value === null) return unusable('tombstone', 'the message has no value');
  if (value.length > maxBytes) {
    return unusable('too-large', `${value.length} bytes; a workflow takes ${maxBytes}`);
  }
  if (!isUtf8(value)) return unusable('not-utf8', 'the value is not valid UTF-8');
  const decoded = Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('utf8');
  // RFC 8259, section 8.1, allows a parser to ignore it.
  const text = decoded.startsWith(BYTE_ORDER_MARK) ? decoded.slice(1) : decoded;
  const json = parseJson(text);
  if (!json.ok) return unusable('not-json', json.error);
  if (!isJsonObject(json.value)) {
    return unusable('not-an-object', `expected a JSON object, received ${jsonKind(json.value)}`);
  }
  return { kind: 'decoded', text, json: json.value };
}
