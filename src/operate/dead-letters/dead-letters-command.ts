import type { Command } from 'commander';
import { positiveNumber } from '../../terminal/arguments.ts';
import { lazily } from '../../terminal/lazily.ts';
import { deadLetterId, deadLetterIds, withFilters } from './command-options.ts';
import { priorityOption } from '../priority-option.ts';

export function addDeadLettersCommand(program: Command): void {
  const group = program
    .command('dead-letters')
    .description('Inspect messages that could not become orders, and requeue them')
    .helpCommand(false);

  withFilters(group.command('list'))
    .description('List dead letters, oldest first within each partition')
    .option('--limit <count>', 'list at most this many', positiveNumber)
    .option('--json', 'print newline-delimited JSON')
    .addHelpText(
      'after',
      '\nExample:\n  order-ingest dead-letters list --reason not-json --since 2h',
    )
    .action(lazily(async () => (await import('./list-command.ts')).list));

  group
    .command('show')
    .description('Show one dead letter with its headers and value')
    .argument(
      '<id>',
      'ID of the dead letter (partition:offset), as printed by `list`',
      deadLetterId,
    )
    .option(
      '--topic <name>',
      'source topic of the dead letter; required if there are several dead-letter topics',
    )
    .option('--json', 'print a JSON object')
    .option('--raw', 'print only the bytes of the value')
    .addHelpText('after', '\nExample:\n  order-ingest dead-letters show 0:17')
    .action(lazily(async () => (await import('./show-command.ts')).show));

  addRequeue(group.command('requeue'));
  // Its former name.
  addRequeue(group.command('replay', { hidden: true }));
}

function addRequeue(command: Command): void {
  withFilters(command)
    .description('Send dead letters back to their source topics; each is sent only once')
    .argument('[ids...]', 'only the dead letters with these IDs (partition:offset)', deadLetterIds)
    .option('--dry-run', 'send nothing; print what would be sent')
    .option('--limit <count>', 'send at most this many', positiveNumber)
    .option('--rate <count>', 'maximum dead letters per second (default: no limit)', positiveNumber)
    .option('--batch-size <count>', 'dead letters per transaction', positiveNumber, 100)
    .option(
      '--max-attempts <count>',
      'skip messages that have become dead letters this often',
      positiveNumber,
      3,
    )
    .option('--again', 'include those that have been requeued before')
    .addOption(priorityOption())
    .option('--json', 'print the result as a JSON object')
    .addHelpText(
      'after',
      `
The Kafka transaction that sends dead letters also marks them as requeued. After an interruption, run
the command again: nothing is sent twice. Exit code 1 if any cannot be sent or an ID is not found.
IDs need --topic if there are several dead-letter topics.

Examples:
  order-ingest dead-letters requeue --reason too-large --dry-run
  order-ingest dead-letters requeue 0:17 0:18
  order-ingest dead-letters requeue --reason unknown-schema-id --rate 50`,
    )
    .action(lazily(async () => (await import('./requeue-command.ts')).requeue));
}
