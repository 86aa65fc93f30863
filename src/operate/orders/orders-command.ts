import type { Command } from 'commander';
import { pointInTime, positiveNumber } from '../../terminal/arguments.ts';
import { lazily } from '../../terminal/lazily.ts';
import { statusOption, withOrderFilters } from './filter-options.ts';
import { priorityOption } from '../priority-option.ts';

export function addOrdersCommand(program: Command): void {
  const group = program
    .command('orders')
    .description('Inspect orders and re-run, correct, retry or cancel them')
    .helpCommand(false);

  withOrderFilters(group.command('list').addOption(statusOption()))
    .description('List orders with their status and failure, newest first')
    .option('--limit <count>', 'list at most this many', positiveNumber, 50)
    .option('--json', 'print newline-delimited JSON')
    .addHelpText(
      'after',
      `
--since and --until apply to the time at which the latest run ended or, with --status running and
without --status, at which it started.

Examples:
  order-ingest orders list --status failed --since 12h
  order-ingest orders list --error OrderRejected --json --limit 10000`,
    )
    .action(lazily(async () => (await import('./list-command.ts')).list));

  group
    .command('show')
    .description('Show everything about one order: runs, message, row and dead letters')
    .argument('<id>', 'order ID')
    .option(
      '--since <time>',
      'show only dead letters written at or after this time: 2h, 3d, 2026-11-24',
      pointInTime,
    )
    .option('--json', 'print a JSON object')
    .option('--raw', 'print only the message, with its correction if there is one')
    .addHelpText(
      'after',
      `
The message and the row contain customer data. Reads the whole dead-letter topic unless --since is set.
The exit code is 1 if a server could not be read.

Example:
  order-ingest orders show A-1001`,
    )
    .action(lazily(async () => (await import('./show-command.ts')).show));

  withOrderFilters(group.command('rerun').argument('[ids...]', 'order IDs'))
    .description('Re-run failed orders, each with the message of its failed run')
    .option('--failed', 'select all failed orders that match the filters')
    .option('--limit <count>', 're-run at most this many', positiveNumber)
    .option('--rate <count>', 'maximum re-runs per second', positiveNumber, 100)
    .addOption(priorityOption())
    .option('--dry-run', 'print how many orders would be re-run')
    .option('--yes', 'skip the confirmation')
    .option('--wait', 'wait for the outcomes; the exit code is 1 unless all complete')
    .option('--json', 'print a JSON object')
    .addHelpText(
      'after',
      `
Skips orders that are running or completed, so the command can be interrupted and repeated. If an order
has expired from Temporal, naming its ID re-runs it with its message from the topic. This needs
KAFKA_BROKERS and may read the whole topic, once for all IDs. The exit code is 1 if the topic does not
have the message, or the message is a dead letter.

Examples:
  order-ingest orders rerun A-1001 --wait
  order-ingest orders rerun --failed --error OrderRejected --since 12h --dry-run`,
    )
    .action(lazily(async () => (await import('./rerun-command.ts')).rerun));

  group
    .command('correct')
    .description('Re-run a failed order with a corrected message; the order ID cannot change')
    .argument('<id>', 'order ID')
    .requiredOption('--payload <file>', 'file with the corrected JSON, or - for standard input')
    .requiredOption('--reason <text>', 'reason for the correction; stored with the order')
    .option('--by <name>', 'who corrects the order (default: USER@HOST of this process)')
    .option('--dry-run', 'only validate the corrected message')
    .option('--wait', 'wait for the outcome; the exit code is 1 unless the order completes')
    .option('--json', 'print a JSON object')
    .addHelpText(
      'after',
      `
Who corrected the order, when and why is recorded in the workflow's memo and in the row.

Example:
  order-ingest orders show A-1001 --raw > A-1001.json
  order-ingest orders correct A-1001 --payload A-1001.json --reason "negative price" --wait`,
    )
    .action(lazily(async () => (await import('./correct-command.ts')).correct));

  group
    .command('retry-now')
    .description(
      'Retry the pending activities of running orders now, without waiting for the backoff',
    )
    .argument('<ids...>', 'order IDs')
    .option('--json', 'print newline-delimited JSON')
    .addHelpText('after', '\nExample:\n  order-ingest orders retry-now A-1001 A-1002')
    .action(lazily(async () => (await import('./cancel-or-retry-command.ts')).retryNow));

  group
    .command('cancel')
    .description('Cancel running orders; they are not stored')
    .argument('<ids...>', 'order IDs')
    .option('--json', 'print newline-delimited JSON')
    .addHelpText('after', '\nExample:\n  order-ingest orders cancel A-1001')
    .action(lazily(async () => (await import('./cancel-or-retry-command.ts')).cancel));
}
