import { parseJson, type Json } from '../../contract/json.ts';
import { describeThrown } from '../../contract/thrown.ts';
import { decodedObject } from '../json-decoder.ts';
import { tooLarge } from '../json-text.ts';
import { mismatch, notRepresentable, UnusableValue } from '../unusable-value.ts';
import { unusable, type Decoded, type ValueDecoder } from '../value-decoder.ts';
import type { SchemaCache } from './schema-cache.ts';
import type { CompiledSchema, DecodedBody } from './schema-registry.ts';
import { schemaIdOf, splitWireFormat } from './wire-format.ts';

/** Decodes values that begin with the ID of their schema. */
export class SchemaDecoder implements ValueDecoder {
  readonly #schemas: SchemaCache;

  constructor(schemas: SchemaCache) {
    this.#schemas = schemas;
  }

  decode(value: Uint8Array | null, maxBytes: number): Decoded | Promise<Decoded> {
    return this.#decode(value, maxBytes) ?? this.#readSchemaAndDecode(value, maxBytes);
  }

  prepare(value: Uint8Array | null): Promise<void> | undefined {
    const schemaId = value === null ? undefined : schemaIdOf(value);
    return schemaId === undefined || this.#isKnown(schemaId)
      ? undefined
      : this.#schemas.read(schemaId);
  }

  /** Undefined if the schema must be read first. */
  #decode(value: Uint8Array | null, maxBytes: number): Decoded | undefined {
    if (value === null) return unusable('tombstone', 'the message has no value');
    if (value.length > maxBytes) {
      return unusable('too-large', `${value.length} bytes; a workflow takes ${maxBytes}`);
    }
    try {
      const { schemaId, body } = splitWireFormat(value);
      const schema = this.#schemas.get(schemaId);
      return schema && decodeBody(schema, body, maxBytes);
    } catch (error) {
      return unusableFor(error);
    }
  }

  async #readSchemaAndDecode(value: Uint8Array | null, maxBytes: number): Promise<Decoded> {
    for (;;) {
      await this.prepare(value);
      const decoded = this.#decode(value, maxBytes);
      if (decoded) return decoded;
    }
  }

  #isKnown(schemaId: number): boolean {
    try {
      return this.#schemas.get(schemaId) !== undefined;
    } catch {
      return true;
    }
  }
}

function decodeBody(schema: CompiledSchema, body: Buffer, maxBytes: number): Decoded {
  const { text, json = parsed(text) } = toJson(schema, body, maxBytes);
  if (Buffer.byteLength(text) > maxBytes) throw tooLarge(maxBytes);
  return decodedObject(text, json);
}

function parsed(text: string): Json {
  const json = parseJson(text);
  if (!json.ok) throw notRepresentable(json.error);
  return json.value;
}

/**
 * A decoder is a pure function of the schema and the bytes: whatever it throws, it would throw again. A retry would
 * stop the partition forever.
 */
function toJson(schema: CompiledSchema, body: Buffer, maxBytes: number): DecodedBody {
  try {
    return schema.toJson(body, maxBytes);
  } catch (error) {
    throw error instanceof UnusableValue ? error : mismatch(describeThrown(error));
  }
}

function unusableFor(error: unknown): Decoded {
  if (!(error instanceof UnusableValue)) throw error;
  return unusable(error.reason, error.message);
}
