import type { Command } from 'commander';
import { OperatorError } from '../../program/operator-error.ts';
import type { ProduceSource } from './produce.ts';
import { wholeNumber } from '../../terminal/arguments.ts';
import { environmentOf } from '../../terminal/environment.ts';

interface ProduceFlags {
  readonly sample?: number;
  readonly broken?: number;
  readonly idPrefix?: string;
  readonly raw?: true;
  readonly json?: true;
}

export function addProduceCommand(program: Command): void {
  program
    .command('produce')
    .description('send orders to the topic: a JSON object a line, or made ones')
    .argument('[file]', 'NDJSON file; standard input if left out or "-"')
    .option('--sample <count>', 'send this many made orders instead', wholeNumber)
    .option('--broken <count>', 'and this many broken messages of all kinds', wholeNumber)
    .option('--id-prefix <text>', 'begins the IDs of made orders')
    .option('--raw', 'send lines that are not valid orders too')
    .option('--json', 'the result as a JSON object')
    .addHelpText(
      'after',
      '\nExamples:\n  order-ingest produce orders.ndjson\n  order-ingest produce --sample 100 --broken 7',
    )
    .action(async (file: string | undefined, flags: ProduceFlags, command: Command) => {
      const { runProduce } = await import('./produce.ts');
      const isLive = process.stderr.isTTY;
      const { sent, topic, brokers } = await runProduce(
        environmentOf(command),
        sourceOf(file, flags),
        (count) => {
          if (isLive) process.stderr.write(`\r${count} sent`);
        },
      );
      if (isLive) process.stderr.write('\r');
      if (flags.json) console.log(JSON.stringify({ sent, topic, brokers }));
      else console.log(`Sent ${sent} messages to "${topic}" at ${brokers.join(',')}.`);
    });
}

function sourceOf(file: string | undefined, flags: ProduceFlags): ProduceSource {
  const raw = flags.raw ?? false;
  if (flags.sample !== undefined || flags.broken !== undefined) {
    return {
      kind: 'sample',
      count: flags.sample ?? 1,
      broken: flags.broken ?? 0,
      idPrefix: flags.idPrefix ?? `S-${Date.now().toString(36)}`,
    };
  }
  if (file !== undefined && file !== '-') return { kind: 'file', file, raw };
  if (file === undefined && process.stdin.isTTY) {
    throw new OperatorError(
      'INPUT_MISSING',
      'Nothing to send',
      'name an NDJSON file, pipe one to standard input, or use --sample 10',
    );
  }
  return { kind: 'stdin', raw };
}
