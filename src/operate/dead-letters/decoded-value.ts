import { readSettings, type Environment } from '../../config/read-settings.ts';
import { READER_ROLE } from '../../config/roles.ts';
import { valueSettingMistakes } from '../../config/value-settings.ts';
import { openValueDecoder } from '../../decode/open-value-decoder.ts';
import { schemaIdOf } from '../../decode/schema-registry/wire-format.ts';
import { describeError } from '../../program/operator-error.ts';
import type { DeadLetter } from './dead-letter-topic.ts';

/** What the value of a dead letter says, for formats that cannot be read as they are. */
export interface DecodedValue {
  /** Undefined for a value that does not begin with one. */
  readonly schemaId: number | undefined;
  /** The JSON text of the order; undefined if the value cannot be decoded. */
  readonly text: string | undefined;
  /** Why it cannot be decoded now. */
  readonly error: string | undefined;
}

/** Undefined for JSON without an envelope, which is readable, and for a dead letter without a value. */
export async function decodedValueOf(
  env: Environment,
  { value }: Pick<DeadLetter, 'value'>,
): Promise<DecodedValue | undefined> {
  const settings = readSettings(READER_ROLE, env, valueSettingMistakes);
  const { format, payloadPointer } = settings.value;
  if (value === null || (format === 'json' && payloadPointer === undefined)) return undefined;
  const schemaId = format === 'json' ? undefined : schemaIdOf(value);
  try {
    const decoder = await openValueDecoder(settings);
    const decoded = await decoder.decode(value, Infinity);
    return decoded.kind === 'decoded'
      ? { schemaId, text: decoded.text, error: undefined }
      : { schemaId, text: undefined, error: `${decoded.reason}: ${decoded.error}` };
  } catch (error) {
    // The rest of the dead letter can be shown without the schema registry.
    return { schemaId, text: undefined, error: describeError(error) };
  }
}
