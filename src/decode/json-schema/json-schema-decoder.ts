import { Ajv, type Options, type Schema, type ValidateFunction } from 'ajv';
import { Ajv2019 } from 'ajv/dist/2019.js';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { JsonNumber, type Json } from '../../contract/json.ts';
import { parseJsonBytes } from '../json-decoder.ts';
import type { CompiledSchema, RegisteredSchema } from '../schema-registry/schema-registry.ts';
import { mismatch, UnusableValue } from '../unusable-value.ts';

/**
 * Validates JSON text. The text stays as it is, digit by digit; the validator sees its numbers as doubles, which
 * matters for the bounds and multiples of numbers with more than 15 digits only.
 */
export function compileJsonSchema({ text, references }: RegisteredSchema): CompiledSchema {
  const validate = compile(parseSchema(text), references);
  return {
    toJson(body) {
      const parsed = parseJsonBytes(body);
      if (parsed.kind === 'unusable') throw new UnusableValue(parsed.reason, parsed.error);
      const { text, json } = parsed;
      if (!validate(hasJsonNumber(json) ? JSON.parse(text) : json)) {
        throw mismatch(failureOf(validate));
      }
      return { text, json };
    },
  };
}

/** Whether it has a number that a double does not preserve. The validator knows doubles only. */
function hasJsonNumber(json: Json): boolean {
  if (typeof json !== 'object' || json === null) return false;
  return json instanceof JsonNumber || Object.values(json).some(hasJsonNumber);
}

function parseSchema(text: string): Schema {
  const schema: unknown = JSON.parse(text);
  if (typeof schema === 'boolean') return schema;
  if (typeof schema === 'object' && schema !== null && !Array.isArray(schema)) {
    // Such a schema of ajv's own would be validated asynchronously.
    if (Object.hasOwn(schema, '$async')) throw new Error('$async is not supported');
    return schema;
  }
  throw new Error('a JSON Schema must be an object or a boolean');
}

function compile(schema: Schema, references: RegisteredSchema['references']): ValidateFunction {
  try {
    return compileWith({ unicodeRegExp: true }, schema, references);
  } catch (error) {
    // Other validators accept patterns such as `\-`, which are invalid in Unicode mode.
    if (!/regular expression/i.test(String(error))) throw error;
    return compileWith({ unicodeRegExp: false }, schema, references);
  }
}

function compileWith(
  options: Options,
  schema: Schema,
  references: RegisteredSchema['references'],
): ValidateFunction {
  const ajv = createValidator(schema, options);
  const base = typeof schema === 'object' ? (schema.$id ?? '') : '';
  for (const reference of references) {
    const referenced = parseSchema(reference.text);
    // ajv also adds it by its own `$id`.
    for (const uri of [reference.name, resolve(reference.name, base)]) {
      if (!Object.hasOwn(ajv.schemas, uri) && !Object.hasOwn(ajv.refs, uri))
        ajv.addSchema(referenced, uri);
    }
  }
  return ajv.compile(schema);
}

const resolve = (name: string, base: string): string =>
  URL.canParse(name, base) ? new URL(name, base).href : name;

/** Keywords and formats that JSON Schema does not define are ignored, as it demands. */
const OPTIONS: Options = {
  strict: false,
  logger: false,
  // 19.99 is a multiple of 0.01, although 19.99 / 0.01 is 1998.9999999999998.
  multipleOfPrecision: 9,
};

/** Confluent's serializers write schemas of draft 7, and so does a schema that names no draft. */
function createValidator(schema: Schema, options: Options): Ajv | Ajv2019 | Ajv2020 {
  const draft = typeof schema === 'object' ? (schema['$schema'] as unknown) : undefined;
  const all = { ...OPTIONS, ...options };
  let ajv: Ajv | Ajv2019 | Ajv2020;
  if (draft === undefined || isDraft(draft, 'draft-07')) ajv = new Ajv(all);
  else if (isDraft(draft, '2019-09')) ajv = new Ajv2019(all);
  else if (isDraft(draft, '2020-12')) ajv = new Ajv2020(all);
  else throw new Error('its $schema is not draft 7, 2019-09 or 2020-12');
  addFormats.default(ajv);
  return ajv;
}

const isDraft = (uri: unknown, draft: string): boolean =>
  typeof uri === 'string' && /^https?:\/\/json-schema\.org\//.test(uri) && uri.includes(draft);

/** The path in the schema: a path in the value might name keys that are personal data. */
function failureOf({ errors }: ValidateFunction): string {
  const [first] = errors ?? [];
  return first ? `${first.schemaPath}: ${first.message ?? 'is not fulfilled'}` : 'it is not valid';
}
