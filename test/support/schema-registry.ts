import { readFileSync } from 'node:fs';
import path from 'node:path';

const FIXTURES = path.join(import.meta.dirname, '../fixtures/confluent-python');

export const readFixture = (name: string): string =>
  readFileSync(path.join(FIXTURES, name), 'utf8');

interface RecordedMessage {
  readonly name: string;
  readonly format: string;
  readonly value: string;
}

/** What make-messages.py has recorded. */
export const recorded = JSON.parse(readFixture('messages.json')) as {
  /** The answers of the registry, by path. */
  readonly answers: Readonly<Record<string, unknown>>;
  readonly messages: readonly RecordedMessage[];
};

/** A message that the Python client of Confluent has serialized. */
export function recordedValue(format: string, name: string): Buffer {
  const found = recorded.messages.find((one) => one.format === format && one.name === name);
  if (!found) throw new Error(`there is no recorded message ${name} of ${format}`);
  return Buffer.from(found.value, 'base64');
}

export interface NewSchema {
  readonly schema: string;
  readonly schemaType: 'AVRO' | 'PROTOBUF' | 'JSON';
  readonly references?: readonly {
    readonly name: string;
    readonly subject: string;
    readonly version: number;
  }[];
}

/** Registers a schema and returns its ID. */
export async function registerSchema(
  registryUrl: string,
  subject: string,
  schema: NewSchema,
): Promise<number> {
  const response = await fetch(`${registryUrl}/subjects/${subject}/versions`, {
    method: 'POST',
    headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
    body: JSON.stringify(schema),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`schema "${subject}" was not registered: ${text}`);
  return (JSON.parse(text) as { id: number }).id;
}

/** Registers the schemas of the recorded messages in an empty registry, where they get their IDs. */
export async function registerRecordedSchemas(registryUrl: string): Promise<void> {
  const files = [
    ['AVRO', 'line-item.avsc', 'order.avsc', 'com.example.orders.LineItem'],
    ['JSON', 'line-item.json', 'order.json', 'line-item.json'],
    ['PROTOBUF', 'line_item.proto', 'order.proto', 'line_item.proto'],
  ] as const;
  for (const [schemaType, lineItem, order, name] of files) {
    await registerSchema(registryUrl, lineItem, { schemaType, schema: readFixture(lineItem) });
    await registerSchema(registryUrl, order, {
      schemaType,
      schema: readFixture(order),
      references: [{ name, subject: lineItem, version: 1 }],
    });
  }
}

/** A value in Confluent's wire format. */
export function framed(schemaId: number, ...parts: readonly Uint8Array[]): Buffer {
  const header = Buffer.alloc(5);
  header.writeUInt32BE(schemaId, 1);
  return Buffer.concat([header, ...parts]);
}
