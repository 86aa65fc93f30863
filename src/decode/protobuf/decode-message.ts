import type protobuf from 'protobufjs';
import { describeError } from '../../program/operator-error.ts';
import { mismatch } from '../unusable-value.ts';

/**
 * The fields of a decoded message by name. A field that is not set is not an own property; it is inherited with its
 * default value.
 */
export type Fields = Readonly<Record<string, unknown>>;

/** Unknown fields are ignored. protobufjs checks the UTF-8 of strings in proto3 only; here it is always checked. */
export function decodeMessage(type: protobuf.Type, reader: protobuf.Reader): Fields {
  reader.discardUnknown = true;
  reader.string = () => reader.stringVerify();
  try {
    const message: object = type.decode(reader);
    return message as Fields;
  } catch (error) {
    throw mismatch(describeError(error));
  }
}
