import type { SchemaRegistrySettings, ValueSettings } from '../config/value-settings.ts';
import { EnvelopeDecoder } from './envelope-decoder.ts';
import { decodeJson } from './json-decoder.ts';
import type {
  CompiledSchema,
  RegisteredSchema,
  SchemaType,
} from './schema-registry/schema-registry.ts';
import type { ValueDecoder } from './value-decoder.ts';

export interface ValueDecoderSettings {
  readonly value: ValueSettings;
  readonly schemaRegistry: SchemaRegistrySettings;
}

/**
 * The decoder for the configured format and envelope. What a format needs is loaded only if it is configured.
 * Throws an OperatorError for a certificate file that cannot be read.
 */
export async function openValueDecoder(settings: ValueDecoderSettings): Promise<ValueDecoder> {
  const { payloadPointer } = settings.value;
  const decoder = await openFormat(settings);
  return payloadPointer === undefined ? decoder : new EnvelopeDecoder(decoder, payloadPointer);
}

async function openFormat({ value, schemaRegistry }: ValueDecoderSettings): Promise<ValueDecoder> {
  switch (value.format) {
    case 'json':
      return { decode: decodeJson };
    case 'avro': {
      const { compileAvroSchema } = await import('./avro/avro-decoder.ts');
      return openSchemaDecoder(schemaRegistry, 'AVRO', compileAvroSchema);
    }
    case 'protobuf': {
      const { compileProtobufSchema } = await import('./protobuf/protobuf-decoder.ts');
      return openSchemaDecoder(schemaRegistry, 'PROTOBUF', compileProtobufSchema);
    }
    case 'json-schema': {
      const { compileJsonSchema } = await import('./json-schema/json-schema-decoder.ts');
      return openSchemaDecoder(schemaRegistry, 'JSON', compileJsonSchema);
    }
    default:
      return value.format satisfies never;
  }
}

async function openSchemaDecoder(
  settings: SchemaRegistrySettings,
  type: SchemaType,
  compile: (schema: RegisteredSchema) => CompiledSchema,
): Promise<ValueDecoder> {
  const { RegistryClient } = await import('./schema-registry/registry-client.ts');
  const { SchemaRegistry } = await import('./schema-registry/schema-registry.ts');
  const { SchemaCache } = await import('./schema-registry/schema-cache.ts');
  const { SchemaDecoder } = await import('./schema-registry/schema-decoder.ts');
  const registry = new SchemaRegistry(new RegistryClient(settings));
  return new SchemaDecoder(new SchemaCache({ registry, type, compile }));
}
