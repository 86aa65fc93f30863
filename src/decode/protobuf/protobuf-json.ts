import protobuf from 'protobufjs';
import { decimalOfBytes, decimalText } from '../decimal-text.ts';
import { base64Text, doubleText, floatText, type JsonText } from '../json-text.ts';
import { ownProperty } from '../own-property.ts';
import { dateTimeOfSecond } from '../time-text.ts';
import { notRepresentable } from '../unusable-value.ts';
import { decodeMessage, type Fields } from './decode-message.ts';

/**
 * Writes a message as the JSON mapping of proto3 does (protobuf.dev, "ProtoJSON Format"), except that fields
 * have their names of the .proto file, that 64-bit integers are numbers, and that amounts of money and decimals
 * are decimal numbers. Fields are in the order of the file. One without presence is written even with its default
 * value; one with presence if it is set or declares a default.
 */
export function writeMessage(type: protobuf.Type, fields: Fields, json: JsonText): void {
  const wellKnown = ownProperty(WELL_KNOWN, type.fullName);
  if (wellKnown) wellKnown(fields, json, type);
  else {
    json.nest('{', '}', () => {
      writeFields(type, fields, json, '');
    });
  }
}

function writeFields(type: protobuf.Type, fields: Fields, json: JsonText, separator: string): void {
  let comma = separator;
  for (const field of type.fieldsArray) {
    field.resolve();
    const value = Object.hasOwn(fields, field.name) ? fields[field.name] : defaultOf(field);
    if (value === undefined) continue;
    json.write(`${comma}${JSON.stringify(field.name)}:`);
    comma = ',';
    if (field instanceof protobuf.MapField) writeMap(field, value as Fields, json);
    else if (field.repeated) writeList(field, value as readonly unknown[], json);
    else writeValue(field, value, json);
  }
}

/** What an unset field stands for; undefined if that is nothing. */
function defaultOf(field: protobuf.Field): unknown {
  if (field.map) return {};
  if (field.repeated) return [];
  if (field.resolvedType instanceof protobuf.Type) return undefined;
  const declared: unknown = field.options?.['default'];
  // protobufjs parses it as a JavaScript number.
  if (field.long && typeof declared === 'number' && !Number.isSafeInteger(declared)) {
    throw notRepresentable(`the default of ${field.name}, which has more than 53 bits`);
  }
  return !field.hasPresence || declared !== undefined ? field.typeDefault : undefined;
}

function writeList(field: protobuf.Field, values: readonly unknown[], json: JsonText): void {
  json.nest('[', ']', () => {
    for (const [index, value] of values.entries()) {
      if (index > 0) json.write(',');
      writeValue(field, value, json);
    }
  });
}

function writeMap(field: protobuf.MapField, values: Fields, json: JsonText): void {
  json.nest('{', '}', () => {
    let comma = '';
    for (const [key, value] of Object.entries(values)) {
      json.write(`${comma}${JSON.stringify(mapKey(field, key))}:`);
      writeValue(field, value, json);
      comma = ',';
    }
  });
}

/**
 * protobufjs packs the 8 bytes of a 64-bit key into a string. An entry without a key has the default one, which it
 * does not pack.
 */
function mapKey({ keyType }: protobuf.MapField, key: string): string {
  if (!/64$/.test(keyType) || key.length !== PACKED_KEY_BYTES) return key;
  const bytes = Buffer.from(key, 'latin1');
  return String(/^u|^fixed/.test(keyType) ? bytes.readBigUInt64LE() : bytes.readBigInt64LE());
}

const PACKED_KEY_BYTES = 8;

function writeValue(field: protobuf.FieldBase, value: unknown, json: JsonText): void {
  const { resolvedType } = field;
  if (resolvedType instanceof protobuf.Type) writeMessage(resolvedType, value as Fields, json);
  else if (resolvedType) json.write(enumText(resolvedType, Number(value)));
  else json.write(scalarText(field.type, value));
}

/** A number for a value that the schema does not name, which proto3 keeps. */
function enumText(type: protobuf.Enum, value: number): string {
  if (type.fullName === '.google.protobuf.NullValue') return 'null';
  const name = type.valuesById[value];
  return name === undefined ? String(value) : JSON.stringify(name);
}

function scalarText(type: string, value: unknown): string {
  switch (type) {
    case 'double':
      return doubleText(Number(value));
    case 'float':
      return floatText(Number(value));
    case 'string':
      return JSON.stringify(value);
    case 'bytes':
      return base64Text(Uint8Array.from(value as Iterable<number>));
    default:
      // A boolean, or an integer as a number or as a Long.
      return String(value);
  }
}

type WriteWellKnown = (fields: Fields, json: JsonText, type: protobuf.Type) => void;

const wrapper: WriteWellKnown = (fields, json, type) => {
  const field = type.fields['value'];
  if (field) writeValue(field.resolve(), fields['value'] ?? field.typeDefault, json);
};

/** The message types with a JSON form of their own. */
const WELL_KNOWN: Readonly<Record<string, WriteWellKnown>> = {
  '.google.protobuf.DoubleValue': wrapper,
  '.google.protobuf.FloatValue': wrapper,
  '.google.protobuf.Int64Value': wrapper,
  '.google.protobuf.UInt64Value': wrapper,
  '.google.protobuf.Int32Value': wrapper,
  '.google.protobuf.UInt32Value': wrapper,
  '.google.protobuf.BoolValue': wrapper,
  '.google.protobuf.StringValue': wrapper,
  '.google.protobuf.BytesValue': wrapper,
  '.google.protobuf.Timestamp': (fields, json) => {
    const nanos = integer(fields['nanos']);
    if (nanos < 0n || nanos >= NANOS) throw notRepresentable('nanoseconds outside a second');
    json.write(`"${dateTimeOfSecond(integer(fields['seconds']))}${fractionText(nanos)}Z"`);
  },
  '.google.protobuf.Duration': (fields, json) => {
    const nanoseconds = secondsAndNanos(fields, 'seconds');
    const absolute = nanoseconds < 0n ? -nanoseconds : nanoseconds;
    const sign = nanoseconds < 0n ? '-' : '';
    json.write(`"${sign}${absolute / NANOS}${fractionText(absolute % NANOS)}s"`);
  },
  '.google.protobuf.FieldMask': (fields, json) => {
    json.write(JSON.stringify(((fields['paths'] ?? []) as readonly string[]).join(',')));
  },
  '.google.protobuf.Struct': (fields, json, type) => {
    const field = type.fields['fields'];
    if (field instanceof protobuf.MapField) {
      field.resolve();
      writeMap(field, (fields['fields'] ?? {}) as Fields, json);
    }
  },
  '.google.protobuf.ListValue': (fields, json, type) => {
    const field = type.fields['values'];
    if (field) writeList(field.resolve(), (fields['values'] ?? []) as readonly unknown[], json);
  },
  '.google.protobuf.Value': (fields, json, type) => {
    const field = type.fieldsArray.find(({ name }) => Object.hasOwn(fields, name));
    if (field) writeValue(field.resolve(), fields[field.name], json);
    else json.write('null');
  },
  '.google.protobuf.Any': (fields, json, type) => {
    json.nest('{', '}', () => {
      writeAny(fields, json, type.root);
    });
  },
  '.google.type.Money': (fields, json) => {
    const amount = withoutTrailingZeros(decimalText(secondsAndNanos(fields, 'units'), 9));
    const currency = JSON.stringify(fields['currency_code'] ?? '');
    json.write(`{"currency_code":${currency},"amount":${amount}}`);
  },
  '.google.type.Decimal': (fields, json) => {
    json.write(googleDecimalText((fields['value'] ?? '') as string));
  },
  '.confluent.type.Decimal': (fields, json) => {
    const unscaled = Uint8Array.from((fields['value'] ?? []) as Iterable<number>);
    json.write(decimalOfBytes(unscaled, Number(fields['scale'] ?? 0)));
  },
};

const NANOS = 1_000_000_000n;

/** @param value a number, or a Long of protobufjs */
const integer = (value: unknown): bigint =>
  // eslint-disable-next-line @typescript-eslint/no-base-to-string -- a Long has its own toString
  BigInt(String(value ?? 0));

/** Whole units and billionths of them, of which neither may be negative if the other is positive. */
function secondsAndNanos(fields: Fields, name: 'seconds' | 'units'): bigint {
  const whole = integer(fields[name]);
  const nanos = integer(fields['nanos']);
  if (nanos <= -NANOS || nanos >= NANOS || whole * nanos < 0n) {
    throw notRepresentable(`nanos that do not belong to ${name}`);
  }
  return whole * NANOS + nanos;
}

/** Nothing, or three, six or nine digits. */
function fractionText(nanos: bigint): string {
  if (nanos === 0n) return '';
  return `.${nanos
    .toString()
    .padStart(9, '0')
    .replace(/(?:000){1,2}$/, '')}`;
}

/** As google/type/decimal.proto defines it: an empty string is 0, and JSON needs the digits that it may leave out. */
function googleDecimalText(text: string): string {
  if (text === '') return '0';
  const [, sign, integer = '', fraction = '', exponent = ''] =
    /^([+-]?)(\d*)(?:\.(\d*))?([eE][+-]?\d+)?$/.exec(text) ?? [];
  if (integer === '' && fraction === '') {
    throw notRepresentable('a google.type.Decimal that is not a number');
  }
  const digits = integer.replace(/^0+(?=\d)/, '') || '0';
  return `${sign === '-' ? '-' : ''}${digits}${fraction && `.${fraction}`}${exponent}`;
}

const withoutTrailingZeros = (decimal: string) => decimal.replace(/\.?0+$/, '');

function writeAny(fields: Fields, json: JsonText, root: protobuf.Root): void {
  const url = (fields['type_url'] ?? '') as string;
  if (url === '') return;
  const found = root.lookup(url.slice(url.lastIndexOf('/') + 1), protobuf.Type);
  if (!(found instanceof protobuf.Type)) {
    throw notRepresentable('a google.protobuf.Any of a type that the schema does not have');
  }
  const bytes = Buffer.from((fields['value'] ?? []) as Uint8Array);
  const value = decodeMessage(found, protobuf.Reader.create(bytes));
  json.write(`"@type":${JSON.stringify(url)}`);
  if (Object.hasOwn(WELL_KNOWN, found.fullName)) {
    json.write(',"value":');
    writeMessage(found, value, json);
  } else writeFields(found, value, json, ',');
}
