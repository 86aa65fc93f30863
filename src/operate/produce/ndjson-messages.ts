import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { identify, type Identified } from '../../order/identify.ts';
import { formatIssue, translateMessage } from '../../order/translate-message.ts';
import type { OutgoingMessage } from '../../kafka/producer.ts';
import { OperatorError } from '../../program/operator-error.ts';

/**
 * A message for each line, byte by byte as it stands there; empty lines are passed over. The key is
 * the order ID where there is one.
 *
 * @param raw send lines that are not valid orders too, instead of throwing an OperatorError
 */
export async function* ndjsonMessages(
  input: Readable,
  { name, raw }: { readonly name: string; readonly raw: boolean },
): AsyncGenerator<OutgoingMessage> {
  // Latin-1 has a character for each byte: nothing is lost where the input is not UTF-8.
  input.setEncoding('latin1');
  let number = 0;
  for await (const line of createInterface({ input, crlfDelay: Infinity })) {
    number += 1;
    if (line.trim() === '') continue;
    const value = Buffer.from(line, 'latin1');
    const read = identify(value, Infinity);
    if (!raw) checkOrder(read, `line ${number} of ${name}`);
    yield { key: read.kind === 'order' ? read.orderId : null, value };
  }
}

function checkOrder(read: Identified, place: string): void {
  const problem = read.kind === 'order' ? faultsOf(read.text) : read.error;
  if (problem === '') return;
  throw new OperatorError(
    'INPUT_ORDER_INVALID',
    `${place} is not a valid order: ${problem}`,
    'correct the line and send the whole file again (an order that was sent before is recognised), or send everything as it is with --raw',
  );
}

function faultsOf(text: string): string {
  const translation = translateMessage(text);
  return translation.kind === 'invalid' ? translation.issues.map(formatIssue).join('; ') : '';
}
