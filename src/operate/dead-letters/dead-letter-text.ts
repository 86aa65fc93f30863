import { isUtf8 } from 'node:buffer';
import { recordHeaders } from '../../kafka/record-headers.ts';
import type { DeadLetter } from './dead-letter-topic.ts';
import type { DecodedValue } from './decoded-value.ts';

/** How much of a value is printed; `--raw` prints all of it. */
const SHOWN_BYTES = 4096;

/**
 * As `--json` prints it: bytes that are not UTF-8 as `{"base64": …}`. The keys are stable; `letter` and
 * `replayed` are older than the words `id` and `requeued`.
 *
 * @param complete include the headers and the value
 * @param decoded is included if there is one
 */
export function deadLetterAsJson(
  deadLetter: DeadLetter,
  isRequeued: boolean,
  {
    complete = false,
    decoded,
  }: { readonly complete?: boolean; readonly decoded?: DecodedValue | undefined } = {},
): unknown {
  const { metadata } = deadLetter;
  return {
    letter: deadLetter.id,
    writtenAt: new Date(deadLetter.writtenAt).toISOString(),
    ...metadata,
    sourceOffset: metadata.sourceOffset.toString(),
    replayed: isRequeued,
    key: asJson(deadLetter.key),
    valueBytes: deadLetter.value?.length ?? null,
    ...(complete
      ? {
          headers: Object.fromEntries(
            Object.entries(deadLetter.headers).map(([name, value]) => [
              name,
              Array.isArray(value) ? value.map(asJson) : asJson(value ?? null),
            ]),
          ),
          value: asJson(deadLetter.value),
        }
      : {}),
    ...(decoded && {
      schemaId: decoded.schemaId ?? null,
      decoded: decoded.text ?? null,
      decodeError: decoded.error ?? null,
    }),
  };
}

export function deadLetterAsText(
  deadLetter: DeadLetter,
  isRequeued: boolean,
  decoded?: DecodedValue,
): string {
  const { metadata } = deadLetter;
  const lines: [string, string][] = [
    ['id', deadLetter.id],
    ['written', new Date(deadLetter.writtenAt).toISOString()],
    ['reason', metadata.reason],
    ['error', metadata.error],
    [
      'source',
      `${metadata.sourceTopic}, partition ${metadata.sourcePartition}, offset ${metadata.sourceOffset}`,
    ],
    ['sent', isoTime(metadata.sourceTimestamp)],
    ['attempt', String(metadata.attempt)],
    ['requeued', isRequeued ? 'yes' : 'no'],
    ['bridge', metadata.bridgeVersion],
    ['key', omittedText(metadata.omitted.key) ?? keyText(deadLetter)],
    ...recordHeaders(deadLetter.headers)
      .filter(({ name }) => !name.toString().startsWith('dead-letter.'))
      .map(({ name, value }): [string, string] => [
        `header ${asText(name)}`,
        value === null ? '(null)' : asText(value),
      ]),
    ...(metadata.omitted.headers === undefined
      ? []
      : [['headers', omittedText(metadata.omitted.headers) ?? ''] satisfies [string, string]]),
    ['value', omittedText(metadata.omitted.value) ?? valueText(deadLetter)],
    ...(decoded?.schemaId === undefined
      ? []
      : [['schema ID', String(decoded.schemaId)] satisfies [string, string]]),
    ...(decoded?.error === undefined
      ? []
      : [['decoding', decoded.error] satisfies [string, string]]),
  ];
  const width = Math.max(...lines.map(([name]) => name.length));
  const text = lines.map(([name, value]) => `${name.padEnd(width)}  ${value}`).join('\n');
  if (deadLetter.value === null) return text;
  const content = decoded?.text === undefined ? deadLetter.value : Buffer.from(decoded.text);
  return `${text}\n\n${shown(content)}`;
}

const omittedText = (bytes: number | undefined): string | undefined =>
  bytes === undefined
    ? undefined
    : `${bytes} bytes, too large for the dead-letter topic: only in the source topic`;

const keyText = ({ key }: DeadLetter): string => (key === null ? 'none' : asText(key));

const valueText = ({ value }: DeadLetter): string =>
  value === null ? 'null (a tombstone)' : `${value.length} bytes`;

function shown(value: Buffer): string {
  if (value.length <= SHOWN_BYTES) return asText(value);
  return `${asText(value.subarray(0, SHOWN_BYTES))}\n… ${value.length - SHOWN_BYTES} more bytes: see --raw`;
}

/** A message may have no timestamp, or one that is out of range for a date. */
function isoTime(milliseconds: string): string {
  const date = new Date(Number(milliseconds));
  return milliseconds.startsWith('-') || Number.isNaN(date.getTime())
    ? `unknown (${milliseconds})`
    : date.toISOString();
}

/** Safe to print: control characters are escaped, and bytes that are not UTF-8 are in hexadecimal. */
function asText(value: Buffer | string): string {
  const bytes = Buffer.from(value);
  const isCut = bytes.length === SHOWN_BYTES;
  if (!isUtf8(bytes) && !isCut) return `0x${bytes.toString('hex')}`;
  return bytes
    .toString('utf8')
    .replace(/[\p{Cc}\p{Cf}]/gu, (unit) =>
      unit === '\n' || unit === '\t'
        ? unit
        : `\\u${unit.codePointAt(0)?.toString(16).padStart(4, '0') ?? ''}`,
    );
}

function asJson(value: Buffer | string | null): unknown {
  if (value === null || typeof value === 'string') return value;
  return isUtf8(value) ? value.toString('utf8') : { base64: value.toString('base64') };
}
