import type { Command } from 'commander';
import { OperatorError } from '../../program/operator-error.ts';
import { open } from './command-options.ts';
import { deadLetterAsJson, deadLetterAsText } from './dead-letter-text.ts';

export async function show(
  id: string,
  flags: { readonly json?: true; readonly raw?: true },
  command: Command,
): Promise<void> {
  const deadLetters = await open(command);
  const [first] = await deadLetters.find({ ids: [id] }, () => true);
  if (!first) {
    throw new OperatorError(
      'DEAD_LETTER_NOT_FOUND',
      `There is no dead letter ${id} in "${deadLetters.topic}"`,
      'look it up with `order-ingest dead-letters list`',
    );
  }
  const { letter, isReplayed } = first;
  const { omitted, sourceTopic, sourcePartition, sourceOffset } = letter.account;
  if (flags.raw && omitted.value !== undefined) {
    throw new OperatorError(
      'DEAD_LETTER_INCOMPLETE',
      `The dead letter ${id} does not carry its value of ${omitted.value} bytes`,
      `read it where it came from: "${sourceTopic}", partition ${sourcePartition}, offset ${sourceOffset}`,
    );
  }
  if (flags.raw) process.stdout.write(letter.value ?? Buffer.alloc(0));
  else if (flags.json) {
    console.log(JSON.stringify(deadLetterAsJson(letter, isReplayed, { complete: true })));
  } else console.log(deadLetterAsText(letter, isReplayed));
}
