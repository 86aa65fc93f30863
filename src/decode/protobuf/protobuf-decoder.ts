import protobuf from 'protobufjs';
import { describeError } from '../../program/operator-error.ts';
import { JsonText } from '../json-text.ts';
import type { CompiledSchema, RegisteredSchema } from '../schema-registry/schema-registry.ts';
import { mismatch } from '../unusable-value.ts';
import { decodeMessage } from './decode-message.ts';
import { writeMessage } from './protobuf-json.ts';
import { readProtobufSchema } from './protobuf-schema.ts';

/** Decodes the binary encoding of Protobuf, which the indexes of the message type precede. */
export function compileProtobufSchema(registered: RegisteredSchema): CompiledSchema {
  const schema = readProtobufSchema(registered);
  return {
    toJson(body, maxBytes) {
      const reader = protobuf.Reader.create(body);
      const type = schema.messageAt(readMessageIndexes(reader));
      if (!type) throw mismatch('the schema has no message type at the indexes that precede it');
      const json = new JsonText(maxBytes);
      writeMessage(type, decodeMessage(type, reader), json);
      return { text: json.toString() };
    },
  };
}

/** A schema nests message types a few levels deep. */
const MAX_INDEXES = 100;

/** The first message type of the schema, which most are, is written as a single zero. */
function readMessageIndexes(reader: protobuf.Reader): readonly number[] {
  try {
    const length = reader.sint32();
    if (length === 0) return [0];
    if (length < 0 || length > MAX_INDEXES) throw new RangeError('impossible number of indexes');
    return Array.from({ length }, () => reader.sint32());
  } catch (error) {
    throw mismatch(`the indexes of its message type: ${describeError(error)}`);
  }
}
