import { UnusableValue } from '../unusable-value.ts';

/** Zero, then the schema ID as four big-endian bytes. */
const MAGIC_BYTE = 0;
const HEADER_BYTES = 5;

/**
 * The ID of the schema with which a value was written, and the bytes that follow it. This is the wire format
 * of Confluent's serializers (docs.confluent.io, "Wire format").
 */
export function splitWireFormat(value: Uint8Array): {
  readonly schemaId: number;
  readonly body: Buffer;
} {
  if (value.length < HEADER_BYTES) {
    throw noSchemaId(`it has ${value.length} bytes, and the schema ID alone takes ${HEADER_BYTES}`);
  }
  if (value[0] !== MAGIC_BYTE) throw noSchemaId('its first byte is not 0');
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  return { schemaId: bytes.readUInt32BE(1), body: bytes.subarray(HEADER_BYTES) };
}

/** Undefined for a value that is not in the wire format. */
export const schemaIdOf = (value: Uint8Array): number | undefined =>
  value.length >= HEADER_BYTES && value[0] === MAGIC_BYTE
    ? splitWireFormat(value).schemaId
    : undefined;

const noSchemaId = (why: string) =>
  new UnusableValue('no-schema-id', `the value does not begin with a schema ID: ${why}`);
