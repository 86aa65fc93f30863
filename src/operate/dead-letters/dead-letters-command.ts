import type { Command } from 'commander';
import { positiveNumber } from '../../terminal/arguments.ts';
import { withFilters, letterId, letterIds } from './command-options.ts';
import { list } from './list-command.ts';
import { replay } from './replay-command.ts';
import { show } from './show-command.ts';

export function addDeadLettersCommand(program: Command): void {
  const group = program
    .command('dead-letters')
    .description('see the messages that could not become an order, and send them again')
    .helpCommand(false);

  withFilters(group.command('list'))
    .description('the dead letters, oldest first in each partition')
    .option('--limit <count>', 'show this many at the most', positiveNumber)
    .option('--json', 'a JSON object a line, on stdout alone')
    .addHelpText(
      'after',
      '\nExample:\n  order-ingest dead-letters list --reason not-json --since 2h',
    )
    .action(list);

  group
    .command('show')
    .description('one dead letter with all its headers and its value')
    .argument('<letter>', 'as `list` shows it: partition:offset of the dead-letter topic', letterId)
    .option('--json', 'as a JSON object')
    .option('--raw', 'the bytes of the value, and nothing else')
    .addHelpText('after', '\nExample:\n  order-ingest dead-letters show 0:17')
    .action(show);

  withFilters(group.command('replay'))
    .description('send dead letters to the source topic again, each once')
    .argument('[letters...]', 'these only: partition:offset of the dead-letter topic', letterIds)
    .option('--dry-run', 'only say what would be sent')
    .option('--limit <count>', 'send this many at the most', positiveNumber)
    .option('--batch-size <count>', 'in one transaction', positiveNumber, 100)
    .option(
      '--max-attempts <count>',
      'leave alone what has become a dead letter this often',
      positiveNumber,
      3,
    )
    .option('--again', 'also those that have been replayed before')
    .option('--json', 'the result as a JSON object')
    .addHelpText(
      'after',
      `
What has been replayed is marked in the same Kafka transaction, so an interrupted run can simply be
started again: nothing is sent twice.

Examples:
  order-ingest dead-letters replay --reason too-large --dry-run
  order-ingest dead-letters replay 0:17 0:18`,
    )
    .action(replay);
}
