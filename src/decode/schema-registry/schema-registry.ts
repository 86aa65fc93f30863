import type { Json } from '../../contract/json.ts';
import { UnusableValue } from '../unusable-value.ts';
import type { RegistryClient } from './registry-client.ts';

/** The type of the schemas of a registry by the format of the values. */
export const SCHEMA_TYPES = { avro: 'AVRO', protobuf: 'PROTOBUF', 'json-schema': 'JSON' } as const;
export type SchemaType = (typeof SCHEMA_TYPES)[keyof typeof SCHEMA_TYPES];

/** A schema as the registry has it. */
export interface RegisteredSchema {
  readonly type: string;
  readonly text: string;
  /** What it refers to, directly or not. Each comes after those that it refers to itself. */
  readonly references: readonly SchemaReference[];
}

export interface SchemaReference {
  /** By which schemas refer to it: an Avro type, a file to import, or a `$ref`. */
  readonly name: string;
  readonly text: string;
}

/** Decodes values of one schema. */
export interface CompiledSchema {
  /**
   * Throws an UnusableValue for a body that does not fit the schema.
   *
   * @param body what follows the schema ID
   * @param maxBytes the largest text
   */
  toJson(body: Buffer, maxBytes: number): DecodedBody;
}

export interface DecodedBody {
  readonly text: string;
  /** What `parseJson` makes of the text, if decoding has parsed it. */
  readonly json?: Json;
}

/** A schema has a few dozen at most. */
const MAX_REFERENCES = 500;

/** Reads schemas and what they refer to. */
export class SchemaRegistry {
  readonly #client: Pick<RegistryClient, 'get'>;

  constructor(client: Pick<RegistryClient, 'get'>) {
    this.#client = client;
  }

  /**
   * Undefined if the registry has no such ID. Throws an UnusableValue if it lacks what the schema refers to, and an
   * OperatorError if it cannot be asked.
   */
  async schema(id: number): Promise<RegisteredSchema | undefined> {
    const answer = await this.#client.get(`/schemas/ids/${id}`);
    if (answer === undefined) return undefined;
    const references: SchemaReference[] = [];
    await this.#readReferences(answer, references, new Set());
    const { schema: text, schemaType: type } = answer;
    return { type, text, references };
  }

  async #readReferences(
    { references }: RegistryAnswer,
    read: SchemaReference[],
    seen: Set<string>,
  ): Promise<void> {
    for (const { name, subject, version } of references) {
      // Also one that is being read: they may refer to each other in a circle.
      if (seen.has(name)) continue;
      seen.add(name);
      if (seen.size > MAX_REFERENCES) {
        throw new UnusableValue('unusable-schema', `it has more than ${MAX_REFERENCES} references`);
      }
      // `deleted` finds versions that have been deleted but are still referred to.
      const answer = await this.#client.get(
        `/subjects/${encodeURIComponent(subject)}/versions/${version}?deleted=true`,
      );
      if (answer === undefined) {
        throw new UnusableValue(
          'unusable-schema',
          `the registry has no version ${version} of the subject "${subject}", to which it refers`,
        );
      }
      // Its own references come first.
      await this.#readReferences(answer, read, seen);
      read.push({ name, text: answer.schema });
    }
  }
}

/** The part of an answer to `/schemas/ids/…` and `/subjects/…/versions/…` that is used. */
export interface RegistryAnswer {
  readonly schema: string;
  readonly schemaType: string;
  readonly references: readonly {
    readonly name: string;
    readonly subject: string;
    readonly version: number;
  }[];
}
