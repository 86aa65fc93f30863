import type { Command } from 'commander';
import { counted } from '../../program/counted.ts';
import { OperatorError } from '../../program/operator-error.ts';
import type { ProduceSource } from './produce.ts';
import { wholeNumber } from '../../terminal/arguments.ts';
import { environmentOf } from '../../terminal/environment.ts';
import { createProgressLine } from '../../terminal/progress-line.ts';

interface ProduceFlags {
  readonly topic?: string;
  readonly sample?: number;
  readonly broken?: number;
  readonly idPrefix?: string;
  readonly raw?: true;
  readonly json?: true;
}

export function addProduceCommand(program: Command): void {
  program
    .command('produce')
    .description('Send orders to the topic, read from NDJSON or generated')
    .argument('[file]', 'file with one JSON object per line; standard input if omitted or "-"')
    .option('--topic <name>', 'the topic; required if KAFKA_TOPIC lists several')
    .option('--sample <count>', 'send this many generated orders instead', wholeNumber)
    .option(
      '--broken <count>',
      'also send this many invalid messages, of every kind in turn',
      wholeNumber,
    )
    .option('--id-prefix <text>', 'prefix of the generated order IDs')
    .option('--raw', 'also send lines that are not valid orders')
    .option('--json', 'print the result as a JSON object')
    .addHelpText(
      'after',
      '\nExamples:\n  order-ingest produce orders.ndjson\n  order-ingest produce --sample 100 --broken 7',
    )
    .action(run);
}

async function run(file: string | undefined, flags: ProduceFlags, command: Command): Promise<void> {
  const { produce } = await import('./produce.ts');
  const line = createProgressLine();
  const { sent, topic, brokers } = await produce(
    environmentOf(command),
    flags.topic,
    sourceOf(file, flags),
    (count) => {
      line.show(`${count} sent`);
    },
  ).finally(line.clear);
  if (flags.json) console.log(JSON.stringify({ sent, topic, brokers }));
  else console.log(`Sent ${counted(sent, 'message')} to "${topic}" at ${brokers.join(',')}.`);
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
