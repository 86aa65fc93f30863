import type { Command } from 'commander';
import { pointInTime, positiveNumber } from '../../terminal/arguments.ts';
import { cancel, retryNow } from './act-command.ts';
import { correct } from './correct-command.ts';
import { statusOption, withOrderFilters } from './filter-options.ts';
import { list } from './list-command.ts';
import { rerun } from './rerun-command.ts';
import { show } from './show-command.ts';

export function addOrdersCommand(program: Command): void {
  const group = program
    .command('orders')
    .description('see how orders get on, and run failed ones again')
    .helpCommand(false);

  withOrderFilters(group.command('list').addOption(statusOption()))
    .description('orders with their status and what has failed, the latest first')
    .option('--limit <count>', 'show this many at the most', positiveNumber, 50)
    .option('--json', 'a JSON object a line, on stdout alone')
    .addHelpText(
      'after',
      `
--since and --until go by when a run ended, for --status running and without --status by when it began.

Examples:
  order-ingest orders list --status failed --since 12h
  order-ingest orders list --error OrderRejected --json --limit 10000`,
    )
    .action(list);

  group
    .command('show')
    .description(
      'all that is known of one order: its runs, its message, its rows, its dead letters',
    )
    .argument('<id>', 'the order ID')
    .option('--since <time>', 'dead letters written since then: 2h, 3d, 2026-11-24', pointInTime)
    .option('--json', 'as a JSON object')
    .option('--raw', 'its message alone, as it came or was last corrected')
    .addHelpText(
      'after',
      `
The message and the rows hold the customer's data. The whole dead-letter topic is read, or the part that
--since leaves. Exit code 1 when one of the servers could not be asked.

Example:
  order-ingest orders show A-1001`,
    )
    .action(show);

  withOrderFilters(group.command('rerun').argument('[ids...]', 'order IDs'))
    .description('start failed orders again, each with the message of its failed run')
    .option('--failed', 'all that have failed, as far as the filters go')
    .option('--limit <count>', 'this many at the most', positiveNumber)
    .option('--rate <count>', 'so many a second at the most', positiveNumber, 100)
    .option('--dry-run', 'only say how many it would be')
    .option('--yes', 'without a question for more than one')
    .option('--wait', 'until each has ended; exit code 1 when one has failed again')
    .option('--json', 'the result as a JSON object')
    .addHelpText(
      'after',
      `
Orders that run or have completed are left alone, so it can be interrupted and started again. An order
by its ID that Temporal no longer has runs with its message from the topic, which is read as a whole for
all of them at once; that needs KAFKA_BROKERS. Exit code 1 when there is no such message, or when it is a
dead letter.

Examples:
  order-ingest orders rerun A-1001 --wait
  order-ingest orders rerun --failed --error OrderRejected --since 12h --dry-run`,
    )
    .action(rerun);

  group
    .command('correct')
    .description('start a failed order again with a corrected message; the order ID cannot change')
    .argument('<id>', 'the order ID')
    .requiredOption('--payload <file>', 'the corrected JSON; - for standard input')
    .requiredOption('--reason <text>', 'why; kept with the order')
    .option('--by <name>', 'who corrects it; this user of this machine if left out')
    .option('--dry-run', 'only check the corrected message')
    .option('--wait', 'until it has ended; exit code 1 when it has failed again')
    .option('--json', 'the result as a JSON object')
    .addHelpText(
      'after',
      `
Who has corrected it, when and why stands in the memo of the workflow and in the row.

Example:
  order-ingest orders show A-1001 --raw > A-1001.json
  order-ingest orders correct A-1001 --payload A-1001.json --reason "price had no currency" --wait`,
    )
    .action(correct);

  group
    .command('retry-now')
    .description('have orders that wait for their next attempt try at once')
    .argument('<ids...>', 'order IDs')
    .option('--json', 'a JSON object a line, on stdout alone')
    .addHelpText('after', '\nExample:\n  order-ingest orders retry-now A-1001 A-1002')
    .action(retryNow);

  group
    .command('cancel')
    .description('end orders that are being retried; nothing of them is stored')
    .argument('<ids...>', 'order IDs')
    .option('--json', 'a JSON object a line, on stdout alone')
    .addHelpText('after', '\nExample:\n  order-ingest orders cancel A-1001')
    .action(cancel);
}
