import { isUtf8 } from 'node:buffer';
import type { StoredDeadLetter } from './stored-dead-letter.ts';
import { recordHeaders } from '../../kafka/record-headers.ts';

/** How much of a value is shown; `--raw` has all of it. */
const SHOWN_BYTES = 4096;

/** As JSON: bytes that are no UTF-8 as `{"base64": …}`. The value and the headers if `complete`. */
export function deadLetterAsJson(
  letter: StoredDeadLetter,
  isReplayed: boolean,
  { complete = false } = {},
): unknown {
  const { account } = letter;
  return {
    letter: letter.id,
    writtenAt: new Date(letter.writtenAt).toISOString(),
    ...account,
    sourceOffset: account.sourceOffset.toString(),
    replayed: isReplayed,
    key: asJson(letter.key),
    valueBytes: letter.value?.length ?? null,
    ...(complete
      ? {
          headers: Object.fromEntries(
            Object.entries(letter.headers).map(([name, value]) => [
              name,
              Array.isArray(value) ? value.map(asJson) : asJson(value ?? null),
            ]),
          ),
          value: asJson(letter.value),
        }
      : {}),
  };
}

export function deadLetterAsText(letter: StoredDeadLetter, isReplayed: boolean): string {
  const { account } = letter;
  const lines: [string, string][] = [
    ['letter', letter.id],
    ['written', new Date(letter.writtenAt).toISOString()],
    ['reason', account.reason],
    ['error', account.error],
    [
      'source',
      `${account.sourceTopic}, partition ${account.sourcePartition}, offset ${account.sourceOffset}`,
    ],
    ['sent', isoTime(account.sourceTimestamp)],
    ['attempt', String(account.attempt)],
    ['replayed', isReplayed ? 'yes' : 'no'],
    ['bridge', account.bridgeVersion],
    ['key', omittedText(account.omitted.key) ?? keyText(letter)],
    ...recordHeaders(letter.headers)
      .filter(({ name }) => !name.toString().startsWith('dead-letter.'))
      .map(({ name, value }): [string, string] => [
        `header ${asText(name)}`,
        value === null ? '(null)' : asText(value),
      ]),
    ...(account.omitted.headers === undefined
      ? []
      : [['headers', omittedText(account.omitted.headers) ?? ''] satisfies [string, string]]),
    ['value', omittedText(account.omitted.value) ?? valueText(letter)],
  ];
  const width = Math.max(...lines.map(([name]) => name.length));
  const text = lines.map(([name, value]) => `${name.padEnd(width)}  ${value}`).join('\n');
  return letter.value === null ? text : `${text}\n\n${shown(letter.value)}`;
}

const omittedText = (bytes: number | undefined): string | undefined =>
  bytes === undefined
    ? undefined
    : `${bytes} bytes, only at the source: too large for a dead letter`;

const keyText = ({ key }: StoredDeadLetter): string => (key === null ? 'none' : asText(key));

const valueText = ({ value }: StoredDeadLetter): string =>
  value === null ? 'none: a tombstone' : `${value.length} bytes`;

function shown(value: Buffer): string {
  if (value.length <= SHOWN_BYTES) return asText(value);
  return `${asText(value.subarray(0, SHOWN_BYTES))}\n… ${value.length - SHOWN_BYTES} bytes more: --raw has them`;
}

/** A message may have no time, or one that no calendar knows. */
function isoTime(milliseconds: string): string {
  const date = new Date(Number(milliseconds));
  return milliseconds.startsWith('-') || Number.isNaN(date.getTime())
    ? `unknown (${milliseconds})`
    : date.toISOString();
}

/** Safe to print: control characters escaped, and bytes that are no UTF-8 as hexadecimal. */
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
