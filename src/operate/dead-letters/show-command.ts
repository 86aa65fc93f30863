import type { Command } from 'commander';
import { quoted } from '../../kafka/source-topics.ts';
import { OperatorError } from '../../program/operator-error.ts';
import { environmentOf } from '../../terminal/environment.ts';
import { deadLettersFor, type TopicFlags } from './command-options.ts';
import { decodedValueOf } from './decoded-value.ts';
import { deadLetterAsJson, deadLetterAsText } from './dead-letter-text.ts';

export async function show(
  id: string,
  flags: TopicFlags & { readonly json?: true; readonly raw?: true },
  command: Command,
): Promise<void> {
  const deadLetters = await deadLettersFor(command, flags);
  const [found] = await deadLetters.find({ ids: [id] }, () => Promise.resolve(true));
  if (!found) {
    throw new OperatorError(
      'DEAD_LETTER_NOT_FOUND',
      `There is no dead letter ${id} in ${quoted(deadLetters.topics)}`,
      'list the IDs with `order-ingest dead-letters list`',
    );
  }
  const { deadLetter, isRequeued } = found;
  const { omitted, sourceTopic, sourcePartition, sourceOffset } = deadLetter.metadata;
  if (flags.raw && omitted.value !== undefined) {
    throw new OperatorError(
      'DEAD_LETTER_INCOMPLETE',
      `The dead letter ${id} lacks its value, which was too large (${omitted.value} bytes)`,
      `read the original message from "${sourceTopic}", partition ${sourcePartition}, offset ${sourceOffset}`,
    );
  }
  const decoded = flags.raw ? undefined : await decodedValueOf(environmentOf(command), deadLetter);
  if (flags.raw) process.stdout.write(deadLetter.value ?? Buffer.alloc(0));
  else if (flags.json) {
    console.log(
      JSON.stringify(deadLetterAsJson(deadLetter, isRequeued, { complete: true, decoded })),
    );
  } else console.log(deadLetterAsText(deadLetter, isRequeued, decoded));
}
