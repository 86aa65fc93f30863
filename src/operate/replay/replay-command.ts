import type { Command } from 'commander';
import { LOW_PRIORITY, type Priority } from '../../contract/priority.ts';
import { counted } from '../../program/counted.ts';
import { OperatorError } from '../../program/operator-error.ts';
import type { RangeReplay } from './replay-range.ts';
import { offsetNumber, positiveNumber, wholeNumber } from '../../terminal/arguments.ts';
import { environmentOf } from '../../terminal/environment.ts';
import { untilInterrupted } from '../../terminal/interrupt.ts';
import { createProgressLine } from '../../terminal/progress-line.ts';
import { priorityOption } from '../priority-option.ts';

interface ReplayFlags {
  readonly topic?: string;
  readonly partition: number;
  readonly from: bigint;
  readonly to: bigint;
  readonly completed?: true;
  readonly priority?: Priority;
  readonly rate?: number;
  readonly dryRun?: true;
  readonly json?: true;
}

export function addReplayCommand(program: Command): void {
  program
    .command('replay')
    .description(
      "Replay a range of the topic through the bridge's code; committed offsets do not change",
    )
    .option('--topic <name>', 'topic of the range; required if KAFKA_TOPIC lists several')
    .requiredOption('--partition <number>', 'partition of the topic', wholeNumber)
    .requiredOption('--from <offset>', 'first offset', offsetNumber)
    .requiredOption('--to <offset>', 'end offset (exclusive)', offsetNumber)
    .option(
      '--completed',
      'also re-run orders whose workflow has completed, to restore lost database rows',
    )
    .addOption(priorityOption())
    .option('--rate <count>', 'maximum messages per second (default: no limit)', positiveNumber)
    .option('--dry-run', 'only count the messages')
    .option('--json', 'print the result as a JSON object')
    .addHelpText(
      'after',
      `
Safe to repeat: orders that have been ingested are recognized, and nothing is stored twice.

Examples:
  order-ingest replay --partition 0 --from 1000 --to 2000
  order-ingest replay --partition 3 --from 17 --to 18 --completed
  order-ingest replay --topic orders-us --partition 0 --from 0 --to 500`,
    )
    .action(run);
}

async function run(flags: ReplayFlags, command: Command): Promise<void> {
  const { replayRange } = await import('./replay-range.ts');
  const line = createProgressLine();
  const dryRun = flags.dryRun ?? false;
  let reported = '';
  const { result, isInterrupted } = await untilInterrupted(async (signal) => {
    const replay = await replayRange(environmentOf(command), {
      topic: flags.topic,
      partition: flags.partition,
      range: { from: flags.from, to: flags.to },
      completed: flags.completed ?? false,
      priority: flags.priority ?? LOW_PRIORITY,
      perSecond: flags.rate ?? Number.POSITIVE_INFINITY,
      dryRun,
      signal,
      onProgress(handled, waitingFor) {
        const [reason] = Object.entries(waitingFor).map(
          (entry) => `waiting for ${entry.join(': ')}`,
        );
        if (reason && reason !== reported) console.error(reason);
        reported = reason ?? '';
        line.show(`${handled} of about ${counted(flags.to - flags.from, 'message')}`);
      },
    });
    return { result: replay, isInterrupted: signal.aborted };
  });
  line.clear();
  if (flags.json) console.log(JSON.stringify({ ...result, dryRun }));
  else console.log(summary(result, dryRun));
  if (isInterrupted)
    throw new OperatorError('INTERRUPTED', 'Interrupted', 'run it again: it is safe to repeat');
}

function summary(result: RangeReplay, dryRun: boolean): string {
  const { read, started, duplicates, deadLetters, deadLettersBefore } = result;
  const newDeadLetters = Object.values(deadLetters).reduce((sum, count) => sum + count, 0);
  const skipped = `${deadLettersBefore} skipped because of an earlier dead letter`;
  if (dryRun)
    return `${counted(read - deadLettersBefore, 'message')} would be submitted, ${skipped}.`;
  // Temporal answers the start of a message that has been started before as it did the first time.
  return `${counted(read, 'message')}: ${started} started now or before, ${counted(duplicates, 'duplicate')}, ${counted(newDeadLetters, 'new dead letter')}, ${skipped}.`;
}
