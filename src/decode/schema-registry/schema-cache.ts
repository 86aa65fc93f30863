import { setTimeout as wait } from 'node:timers/promises';
import { describeError } from '../../program/operator-error.ts';
import { systemClock, type Clock } from '../../program/clock.ts';
import { UnusableValue } from '../unusable-value.ts';
import type {
  CompiledSchema,
  RegisteredSchema,
  SchemaRegistry,
  SchemaType,
} from './schema-registry.ts';

/** A topic has a few schemas; this many are for a topic that garbage is written to. */
const MAX_SCHEMAS = 1000;
/** A follower of the registry may not know yet what its leader has just registered: 15 seconds in all. */
const PAUSES_MS = [1000, 2000, 4000, 4000, 4000];
/** How long what the registry does not know is taken as unknown without asking again. */
const UNKNOWN_FOR_MS = 30_000;

export interface SchemaCacheOptions {
  readonly registry: Pick<SchemaRegistry, 'schema'>;
  readonly type: SchemaType;
  readonly compile: (schema: RegisteredSchema) => CompiledSchema;
  readonly clock?: Clock;
  readonly wait?: (ms: number) => Promise<unknown>;
}

type Entry =
  | { readonly kind: 'usable'; readonly schema: CompiledSchema }
  | {
      readonly kind: 'unusable';
      readonly error: UnusableValue;
      /** By the clock; undefined for what no change of the registry can change. */
      readonly expiresAt: number | undefined;
    };

/**
 * Compiled schemas by their ID, which never changes its meaning. What the registry does not know, or what cannot
 * be compiled, is kept as well, so that a topic full of it does not flood the registry.
 */
export class SchemaCache {
  readonly #options: SchemaCacheOptions;
  readonly #clock: Clock;
  readonly #entries = new Map<number, Entry>();
  readonly #pending = new Map<number, Promise<void>>();

  constructor(options: SchemaCacheOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  /** Undefined if the schema must be read first. Throws an UnusableValue if it cannot be used. */
  get(id: number): CompiledSchema | undefined {
    const entry = this.#entries.get(id);
    if (entry === undefined) return undefined;
    if (entry.kind === 'usable') return entry.schema;
    if (entry.expiresAt === undefined || this.#clock.now() < entry.expiresAt) throw entry.error;
    return undefined;
  }

  /**
   * Reads the schema from the registry, once for all who wait for it. `get` answers afterwards. Rejects with an
   * OperatorError if the registry cannot be asked.
   */
  read(id: number): Promise<void> {
    const pending = this.#pending.get(id);
    if (pending) return pending;
    const reading = this.#read(id).finally(() => {
      this.#pending.delete(id);
    });
    this.#pending.set(id, reading);
    return reading;
  }

  async #read(id: number): Promise<void> {
    const entry = await this.#readEntry(id);
    this.#entries.delete(id);
    this.#entries.set(id, entry);
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size <= MAX_SCHEMAS) break;
      this.#entries.delete(oldest);
    }
  }

  async #readEntry(id: number): Promise<Entry> {
    try {
      const schema = (await this.#ask(id)) ?? (await this.#askAgain(id));
      if (schema === undefined) {
        throw new UnusableValue('unknown-schema-id', `the registry has no schema with ID ${id}`);
      }
      return this.#compile(id, schema);
    } catch (error) {
      if (!(error instanceof UnusableValue)) throw error;
      return { kind: 'unusable', error, expiresAt: this.#clock.now() + UNKNOWN_FOR_MS };
    }
  }

  #ask(id: number): Promise<RegisteredSchema | undefined> {
    return this.#options.registry.schema(id).catch((error: unknown) => {
      throw error instanceof UnusableValue ? ofSchema(id, error) : error;
    });
  }

  async #askAgain(id: number): Promise<RegisteredSchema | undefined> {
    // An ID that has been unknown for so long is no news that a follower lacks.
    if (this.#entries.has(id)) return undefined;
    for (const pause of PAUSES_MS) {
      await (this.#options.wait ?? wait)(pause);
      const schema = await this.#ask(id);
      if (schema) return schema;
    }
    return undefined;
  }

  #compile(id: number, schema: RegisteredSchema): Entry {
    const { type, compile } = this.#options;
    const unusable = (error: UnusableValue): Entry => ({
      kind: 'unusable',
      error,
      expiresAt: undefined,
    });
    if (schema.type !== type) {
      return unusable(
        new UnusableValue(
          'wrong-schema-type',
          `schema ${id} is of type ${schema.type}, and KAFKA_VALUE_FORMAT expects ${type}`,
        ),
      );
    }
    try {
      return { kind: 'usable', schema: compile(schema) };
    } catch (error) {
      return unusable(ofSchema(id, error));
    }
  }
}

const ofSchema = (id: number, error: unknown): UnusableValue =>
  new UnusableValue('unusable-schema', `schema ${id} cannot be used: ${describeError(error)}`);
