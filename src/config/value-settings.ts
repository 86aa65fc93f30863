import { z } from 'zod';
import { choice, integer, settingGroup, text, url, type Values } from './setting.ts';

/** How the value of a message becomes the JSON text of an order. */
export const valueSettings = settingGroup({
  format: {
    name: 'KAFKA_VALUE_FORMAT',
    schema: choice(['json', 'avro', 'protobuf', 'json-schema']),
    default: 'json',
    description:
      'Format of the values of the topic. With `json`, the value is the JSON text of the message. In the other formats, it begins with a schema ID, as the serializers of Confluent write it, and `SCHEMA_REGISTRY_URL` is required. See [value-formats.md](value-formats.md).',
  },
  payloadPointer: {
    name: 'ORDER_PAYLOAD_POINTER',
    schema: z.string().regex(/^(?:\/(?:[^/~]|~[01])*)+$/, {
      error: 'expected a JSON Pointer (RFC 6901), such as /data or /payload/after',
    }),
    optional: true,
    unsetMeans: 'the whole message is the order',
    description:
      'Where the order is in the message, as a JSON Pointer (RFC 6901): `/data` for CloudEvents, `/payload/after` or `/after` for Debezium. A string that holds JSON is parsed, as in the outbox of Debezium.',
  },
});

/** The connection to a schema registry with the REST API of Confluent's. */
export const schemaRegistrySettings = settingGroup({
  url: {
    name: 'SCHEMA_REGISTRY_URL',
    schema: url('http:', 'https:')
      .transform((value) => new URL(value))
      .refine(({ username, password }) => username === '' && password === '', {
        error:
          'must not contain a user name or password; use SCHEMA_REGISTRY_USERNAME and SCHEMA_REGISTRY_PASSWORD',
      })
      .refine(({ search, hash }) => search === '' && hash === '', {
        error: 'must not have a query or a fragment',
      }),
    optional: true,
    description:
      'URL of the schema registry: of Confluent, or one with the same REST API, such as Karapace, Redpanda, or Apicurio with the path `/apis/ccompat/v7`. Required unless `KAFKA_VALUE_FORMAT` is `json`.',
  },
  username: {
    name: 'SCHEMA_REGISTRY_USERNAME',
    schema: text,
    optional: true,
    description: 'User name for HTTP basic authentication; an API key in Confluent Cloud.',
  },
  password: {
    name: 'SCHEMA_REGISTRY_PASSWORD',
    schema: text,
    optional: true,
    secret: true,
    description:
      'Password for HTTP basic authentication; the secret of the API key in Confluent Cloud.',
  },
  token: {
    name: 'SCHEMA_REGISTRY_TOKEN',
    schema: z.string().regex(/^[\x21-\x7e]+$/, { error: 'expected printable ASCII characters' }),
    optional: true,
    secret: true,
    description: 'Bearer token, instead of a user name and a password.',
  },
  caFile: {
    name: 'SCHEMA_REGISTRY_CA_FILE',
    schema: text,
    optional: true,
    unsetMeans: 'those of Node.js',
    description:
      'PEM file of the certificate authorities that sign the certificate of the registry. By default, the authorities that Node.js trusts, which `NODE_EXTRA_CA_CERTS` extends.',
  },
  certFile: {
    name: 'SCHEMA_REGISTRY_CERT_FILE',
    schema: text,
    optional: true,
    description: 'PEM file of the client certificate, for mutual TLS.',
  },
  keyFile: {
    name: 'SCHEMA_REGISTRY_KEY_FILE',
    schema: text,
    optional: true,
    description: 'PEM file of the private key of the client certificate.',
  },
  keyPassphrase: {
    name: 'SCHEMA_REGISTRY_KEY_PASSPHRASE',
    schema: text,
    optional: true,
    secret: true,
    description: 'Passphrase of the private key, if the file is encrypted.',
  },
  timeoutMs: {
    name: 'SCHEMA_REGISTRY_TIMEOUT_MS',
    schema: integer(100, 60_000),
    default: '5000',
    description:
      'How long to wait for a response from the registry before the request is repeated.',
  },
});

export type ValueSettings = Values<typeof valueSettings>;
export type SchemaRegistrySettings = Values<typeof schemaRegistrySettings>;

/** Mistakes in the combination of settings that are valid by themselves. Those that are not are undefined. */
export function valueSettingMistakes({
  value = {},
  schemaRegistry = {},
}: {
  readonly value?: Partial<ValueSettings>;
  readonly schemaRegistry?: Partial<SchemaRegistrySettings>;
}): readonly string[] {
  const { format } = value;
  const { url: registryUrl, username, password, token } = schemaRegistry;
  const { caFile, certFile, keyFile, keyPassphrase } = schemaRegistry;
  const mistakes: string[] = [];
  if (format !== undefined && format !== 'json' && registryUrl === undefined) {
    mistakes.push(`KAFKA_VALUE_FORMAT=${format} needs a valid SCHEMA_REGISTRY_URL`);
  }
  if ((username === undefined) !== (password === undefined)) {
    mistakes.push('SCHEMA_REGISTRY_USERNAME and SCHEMA_REGISTRY_PASSWORD: set both or neither');
  }
  if (token !== undefined && username !== undefined) {
    mistakes.push('SCHEMA_REGISTRY_TOKEN and SCHEMA_REGISTRY_USERNAME: set only one of them');
  }
  if ((certFile === undefined) !== (keyFile === undefined)) {
    mistakes.push('SCHEMA_REGISTRY_CERT_FILE and SCHEMA_REGISTRY_KEY_FILE: set both or neither');
  }
  if (keyPassphrase !== undefined && keyFile === undefined) {
    mistakes.push('SCHEMA_REGISTRY_KEY_PASSPHRASE needs SCHEMA_REGISTRY_KEY_FILE');
  }
  if (registryUrl?.protocol === 'http:' && (caFile ?? certFile ?? keyFile) !== undefined) {
    mistakes.push(
      'SCHEMA_REGISTRY_CA_FILE, SCHEMA_REGISTRY_CERT_FILE and SCHEMA_REGISTRY_KEY_FILE have no effect with http:// in SCHEMA_REGISTRY_URL; write https://',
    );
  }
  return mistakes;
}
