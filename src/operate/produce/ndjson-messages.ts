import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import type { MessageReader, Identified } from '../../order-module/message-reader.ts';
import type { OutgoingMessage } from '../../kafka/producer.ts';
import { formatIssue, translateText } from '../../contract/order-module.ts';
import { OperatorError } from '../../program/operator-error.ts';

/**
 * One message per line, with the bytes of the line as its value and the order ID, if there is one, as
 * its key. Empty lines are skipped.
 *
 * @param raw accept lines that are not valid orders instead of throwing an OperatorError
 */
export async function* ndjsonMessages(
  input: Readable,
  {
    name,
    raw,
    reader,
  }: { readonly name: string; readonly raw: boolean; readonly reader: MessageReader },
): AsyncGenerator<OutgoingMessage> {
  // Latin-1 maps each byte to one character, so bytes that are not UTF-8 are preserved.
  input.setEncoding('latin1');
  let number = 0;
  for await (const line of createInterface({ input, crlfDelay: Infinity })) {
    number += 1;
    if (line.trim() === '') continue;
    const value = Buffer.from(line, 'latin1');
    const read = await reader.identify(value);
    if (!raw) checkOrder(reader, read, `line ${number} of ${name}`);
    yield { key: read.kind === 'order' ? read.orderId : null, value };
  }
}

function checkOrder(reader: MessageReader, read: Identified, place: string): void {
  const problem = problemOf(reader, read);
  if (problem === undefined) return;
  throw new OperatorError(
    'INPUT_ORDER_INVALID',
    `${place} is not a valid order: ${problem}`,
    `${isJson(read) ? 'correct the line' : 'write one JSON object per line, without line breaks in it,'} and send the whole file again (orders sent before are recognized as duplicates), or send it unchanged with --raw`,
  );
}

const isJson = (read: Identified): boolean =>
  read.kind === 'order' || (read.reason !== 'not-json' && read.reason !== 'not-an-object');

function problemOf({ orderModule }: MessageReader, read: Identified): string | undefined {
  if (read.kind !== 'order') return read.error;
  const translation = translateText(orderModule, read.text);
  return translation.kind === 'invalid'
    ? translation.issues.map(formatIssue).join('; ')
    : undefined;
}
