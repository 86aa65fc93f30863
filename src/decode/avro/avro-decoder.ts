import { describeError } from '../../program/operator-error.ts';
import { decimalOfBytes } from '../decimal-text.ts';
import { base64Text, doubleText, floatText, JsonText } from '../json-text.ts';
import type { CompiledSchema, RegisteredSchema } from '../schema-registry/schema-registry.ts';
import { dateText, dateTimeText, timeOfDayText } from '../time-text.ts';
import { mismatch, UnusableValue } from '../unusable-value.ts';
import { AvroReader } from './avro-reader.ts';
import { parseAvroSchema, type AvroType, type NamedTypes, type TimeType } from './avro-schema.ts';

/** Decodes Avro's binary encoding with the schema of the writer. */
export function compileAvroSchema(schema: RegisteredSchema): CompiledSchema {
  const names: NamedTypes = new Map();
  for (const reference of schema.references) parseAvroSchema(schemaJson(reference.text), names);
  const type = parseAvroSchema(schemaJson(schema.text), names);
  return {
    toJson(body, maxBytes) {
      const reader = new AvroReader(body);
      const json = new JsonText(maxBytes);
      writeValue(type, reader, json);
      if (reader.remaining > 0) {
        throw mismatch(`${reader.remaining} bytes follow its end`);
      }
      return { text: json.toString() };
    },
  };
}

/** The text of a schema that is a name only is not JSON in some registries: `string` and not `"string"`. */
function schemaJson(text: string): unknown {
  if (/^[A-Za-z_][\w.]*$/.test(text)) return text;
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new UnusableValue('unusable-schema', `it is not JSON: ${describeError(error)}`);
  }
}

function writeValue(type: AvroType, reader: AvroReader, json: JsonText): void {
  switch (type.kind) {
    case 'null':
      json.write('null');
      return;
    case 'boolean':
      json.write(booleanText(reader));
      return;
    case 'int':
      json.write(integerText(reader.int(), type.logical));
      return;
    case 'long':
      json.write(integerText(reader.long(), type.logical));
      return;
    case 'float':
      json.write(floatText(reader.float()));
      return;
    case 'double':
      json.write(doubleText(reader.double()));
      return;
    case 'string':
      json.write(JSON.stringify(reader.string()));
      return;
    case 'bytes':
      json.write(bytesText(reader.bytes(), type.logical));
      return;
    case 'fixed':
      json.write(bytesText(reader.take(type.size), type.logical));
      return;
    case 'enum':
      json.write(JSON.stringify(choose(type.symbols, reader.int(), 'symbol of its enum')));
      return;
    case 'union':
      writeValue(choose(type.branches, reader.long(), 'branch of its union'), reader, json);
      return;
    case 'array':
      json.nest('[', ']', () => {
        forEachInBlocks(reader, (isFirst) => {
          if (!isFirst) json.write(',');
          writeValue(type.items, reader, json);
        });
      });
      return;
    case 'map':
      json.nest('{', '}', () => {
        forEachInBlocks(reader, (isFirst) => {
          json.write(`${isFirst ? '' : ','}${JSON.stringify(reader.string())}:`);
          writeValue(type.values, reader, json);
        });
      });
      return;
    case 'record':
      json.nest('{', '}', () => {
        let comma = '';
        for (const field of type.fields) {
          json.write(`${comma}${JSON.stringify(field.name)}:`);
          writeValue(field.type, reader, json);
          comma = ',';
        }
      });
      return;
    default:
      return type satisfies never;
  }
}

function booleanText(reader: AvroReader): string {
  const byte = reader.byte();
  if (byte > 1) throw mismatch('a boolean is neither 0 nor 1');
  return byte === 1 ? 'true' : 'false';
}

function integerText(value: bigint, logical: TimeType | undefined): string {
  if (!logical) return value.toString();
  switch (logical.kind) {
    case 'date':
      return `"${dateText(value)}"`;
    case 'time':
      return `"${timeOfDayText(value, logical.digits)}"`;
    case 'timestamp':
      return `"${dateTimeText(value, logical.digits)}Z"`;
    case 'local-timestamp':
      return `"${dateTimeText(value, logical.digits)}"`;
    default:
      return logical satisfies never;
  }
}

function bytesText(
  bytes: Buffer,
  logical: Extract<AvroType, { kind: 'bytes' | 'fixed' }>['logical'],
): string {
  switch (logical?.kind) {
    case undefined:
      return base64Text(bytes);
    case 'decimal':
      return decimalOfBytes(bytes, logical.scale);
    case 'big-decimal': {
      // Itself Avro: the unscaled value as bytes, then the scale as an int.
      const reader = new AvroReader(bytes);
      const unscaled = reader.bytes();
      return decimalOfBytes(unscaled, Number(reader.int()));
    }
    case 'uuid':
      return `"${bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')}"`;
    case 'duration':
      return `{"months":${bytes.readUInt32LE(0)},"days":${bytes.readUInt32LE(4)},"millis":${bytes.readUInt32LE(8)}}`;
    default:
      return logical satisfies never;
  }
}

function choose<Element>(elements: readonly Element[], index: bigint, what: string): Element {
  const element = index < 0n ? undefined : elements[Number(index)];
  if (element === undefined) throw mismatch(`an index is not that of a ${what}`);
  return element;
}

/** The elements of an array or a map come in blocks, the last of which is empty. */
function forEachInBlocks(reader: AvroReader, readElement: (isFirst: boolean) => void): void {
  let isFirst = true;
  for (let count = reader.long(); count !== 0n; count = reader.long()) {
    if (count < 0n) {
      // The size of the block in bytes, for readers that skip it.
      reader.long();
      count = -count;
    }
    for (let index = 0n; index < count; index += 1n) {
      readElement(isFirst);
      isFirst = false;
    }
  }
}
