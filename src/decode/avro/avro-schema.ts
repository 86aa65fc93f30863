import { ownProperty } from '../own-property.ts';
import type { FractionDigits } from '../time-text.ts';

/** A schema of the Avro specification 1.12, with its names resolved. A recursive one refers to itself. */
export type AvroType =
  | { readonly kind: 'null' | 'boolean' | 'float' | 'double' }
  | { readonly kind: 'int' | 'long'; readonly logical?: TimeType }
  | { readonly kind: 'string' }
  | { readonly kind: 'bytes'; readonly logical?: DecimalType | { readonly kind: 'big-decimal' } }
  | {
      readonly kind: 'fixed';
      readonly size: number;
      readonly logical?: DecimalType | { readonly kind: 'uuid' | 'duration' };
    }
  | { readonly kind: 'enum'; readonly symbols: readonly string[] }
  | { readonly kind: 'array'; readonly items: AvroType }
  | { readonly kind: 'map'; readonly values: AvroType }
  | { readonly kind: 'union'; readonly branches: readonly AvroType[] }
  | { readonly kind: 'record'; readonly fields: readonly AvroField[] };

export interface AvroField {
  readonly name: string;
  readonly type: AvroType;
}

export interface DecimalType {
  readonly kind: 'decimal';
  readonly scale: number;
}

export type TimeType =
  | { readonly kind: 'date' }
  | {
      readonly kind: 'time' | 'timestamp' | 'local-timestamp';
      readonly digits: FractionDigits;
    };

/** The named types that have been defined, by full name. */
export type NamedTypes = Map<string, AvroType>;

/**
 * Parses a schema, and adds the types that it defines to `names`. Throws an error for an invalid one. Only
 * what reading needs is checked: defaults, aliases and documentation are ignored, as are logical types that
 * do not fit their type (section "Logical Types").
 *
 * @param names the types of the schemas that this one refers to
 */
export function parseAvroSchema(json: unknown, names: NamedTypes = new Map()): AvroType {
  return parseType(json, '', names);
}

function parseType(schema: unknown, namespace: string, names: NamedTypes): AvroType {
  if (typeof schema === 'string') return primitive(schema, {}) ?? named(schema, namespace, names);
  if (Array.isArray(schema)) {
    return { kind: 'union', branches: schema.map((branch) => parseType(branch, namespace, names)) };
  }
  if (!isObject(schema)) throw new Error('a schema must be a string, an array or an object');
  const { type } = schema;
  switch (type) {
    case 'record':
    case 'error':
      return parseRecord(schema, namespace, names);
    case 'enum':
      return define(schema, namespace, names, {
        kind: 'enum',
        symbols: strings(schema, 'symbols'),
      });
    case 'fixed':
      return define(schema, namespace, names, parseFixed(schema));
    case 'array':
      return { kind: 'array', items: parseType(schema['items'], namespace, names) };
    case 'map':
      return { kind: 'map', values: parseType(schema['values'], namespace, names) };
    default:
      return typeof type === 'string'
        ? (primitive(type, schema) ?? named(type, namespace, names))
        : parseType(type, namespace, names);
  }
}

type JsonObject = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function primitive(name: string, attributes: JsonObject): AvroType | undefined {
  switch (name) {
    case 'null':
    case 'boolean':
    case 'float':
    case 'double':
    case 'string':
      return { kind: name };
    case 'int':
    case 'long': {
      const logical = ownProperty(TIME_TYPES[name], String(attributes['logicalType']));
      return { kind: name, ...(logical && { logical }) };
    }
    case 'bytes': {
      const logical =
        attributes['logicalType'] === 'big-decimal'
          ? { kind: 'big-decimal' as const }
          : decimal(attributes);
      return { kind: name, ...(logical && { logical }) };
    }
    default:
      return undefined;
  }
}

const TIME_TYPES: Readonly<Record<'int' | 'long', Readonly<Record<string, TimeType>>>> = {
  int: { date: { kind: 'date' }, 'time-millis': { kind: 'time', digits: 3 } },
  long: {
    'time-micros': { kind: 'time', digits: 6 },
    'timestamp-millis': { kind: 'timestamp', digits: 3 },
    'timestamp-micros': { kind: 'timestamp', digits: 6 },
    'timestamp-nanos': { kind: 'timestamp', digits: 9 },
    'local-timestamp-millis': { kind: 'local-timestamp', digits: 3 },
    'local-timestamp-micros': { kind: 'local-timestamp', digits: 6 },
    'local-timestamp-nanos': { kind: 'local-timestamp', digits: 9 },
  },
};

/** The precision is not needed for reading. */
function decimal({ logicalType, scale = 0 }: JsonObject): DecimalType | undefined {
  return logicalType === 'decimal' &&
    typeof scale === 'number' &&
    Number.isInteger(scale) &&
    scale >= 0
    ? { kind: 'decimal', scale }
    : undefined;
}

const UUID_SIZE = 16;
const DURATION_SIZE = 12;

function parseFixed(schema: JsonObject): AvroType {
  const { size, logicalType } = schema;
  if (typeof size !== 'number' || !Number.isInteger(size) || size < 0) {
    throw new Error('the size of a fixed type must be an integer');
  }
  if (logicalType === 'uuid' && size === UUID_SIZE) {
    return { kind: 'fixed', size, logical: { kind: 'uuid' } };
  }
  if (logicalType === 'duration' && size === DURATION_SIZE) {
    return { kind: 'fixed', size, logical: { kind: 'duration' } };
  }
  const logical = decimal(schema);
  return { kind: 'fixed', size, ...(logical && { logical }) };
}

function parseRecord(schema: JsonObject, namespace: string, names: NamedTypes): AvroType {
  const fields: AvroField[] = [];
  // Defined before its fields are parsed: they may refer to it.
  const record = define(schema, namespace, names, { kind: 'record', fields });
  const inner = namespaceOf(fullName(schema, namespace));
  if (!Array.isArray(schema['fields'])) throw new Error('a record must have an array of fields');
  for (const field of schema['fields'] as unknown[]) {
    if (!isObject(field) || typeof field['name'] !== 'string') {
      throw new Error('a field must be an object with a name');
    }
    fields.push({ name: field['name'], type: parseType(field['type'], inner, names) });
  }
  return record;
}

function define(
  schema: JsonObject,
  namespace: string,
  names: NamedTypes,
  type: AvroType,
): AvroType {
  const name = fullName(schema, namespace);
  if (names.has(name)) throw new Error(`the type ${name} is defined twice`);
  names.set(name, type);
  return type;
}

function fullName(schema: JsonObject, enclosing: string): string {
  const { name, namespace } = schema;
  if (typeof name !== 'string' || name === '') {
    throw new Error('a record, an enum and a fixed type must have a name');
  }
  return name.includes('.')
    ? name
    : qualified(name, typeof namespace === 'string' ? namespace : enclosing);
}

const qualified = (name: string, namespace: string) =>
  namespace === '' ? name : `${namespace}.${name}`;

const namespaceOf = (name: string) => name.slice(0, Math.max(0, name.lastIndexOf('.')));

/** Java's parser, too, looks for a name without a namespace outside the enclosing one. */
function named(name: string, namespace: string, names: NamedTypes): AvroType {
  const type =
    (name.includes('.') ? undefined : names.get(qualified(name, namespace))) ?? names.get(name);
  if (!type) throw new Error(`the type ${name} is not defined`);
  return type;
}

function strings(schema: JsonObject, key: string): readonly string[] {
  const value = schema[key];
  if (!Array.isArray(value) || !value.every((one) => typeof one === 'string')) {
    throw new Error(`${key} must be an array of strings`);
  }
  return value;
}
