import type { Command } from 'commander';
import { OperatorError } from '../../program/operator-error.ts';
import type { RangeReplay } from './replay-range.ts';
import { offsetNumber, wholeNumber } from '../../terminal/arguments.ts';
import { environmentOf } from '../../terminal/environment.ts';
import { untilInterrupted } from '../../terminal/interrupt.ts';
import { createProgressLine } from '../../terminal/progress-line.ts';

interface ReplayFlags {
  readonly partition: number;
  readonly from: bigint;
  readonly to: bigint;
  readonly completed?: true;
  readonly dryRun?: true;
  readonly json?: true;
}

export function addReplayCommand(program: Command): void {
  program
    .command('replay')
    .description("hand old messages of the topic to Temporal again; the group's offsets stay")
    .requiredOption('--partition <number>', 'of the topic', wholeNumber)
    .requiredOption('--from <offset>', 'from this offset on', offsetNumber)
    .requiredOption('--to <offset>', 'up to this offset, without it', offsetNumber)
    .option(
      '--completed',
      'also orders whose workflow has completed, for rows lost from the database',
    )
    .option('--dry-run', 'only count what is there')
    .option('--json', 'the result as a JSON object')
    .addHelpText(
      'after',
      `
Safe to repeat: what has been ingested is recognised, and nothing is stored twice.

Examples:
  order-ingest replay --partition 0 --from 1000 --to 2000
  order-ingest replay --partition 3 --from 17 --to 18 --completed`,
    )
    .action(run);
}

async function run(flags: ReplayFlags, command: Command): Promise<void> {
  const { replayRange } = await import('./replay-range.ts');
  const line = createProgressLine();
  const dryRun = flags.dryRun ?? false;
  let told = '';
  const { result, isInterrupted } = await untilInterrupted(async (signal) => {
    const replay = await replayRange(environmentOf(command), {
      partition: flags.partition,
      range: { from: flags.from, to: flags.to },
      completed: flags.completed ?? false,
      dryRun,
      signal,
      onProgress(handled, waitingFor) {
        const [reason] = Object.entries(waitingFor).map(
          (entry) => `waiting for ${entry.join(': ')}`,
        );
        if (reason && reason !== told) console.error(reason);
        told = reason ?? '';
        line.show(`${handled} of about ${flags.to - flags.from} messages`);
      },
    });
    return { result: replay, isInterrupted: signal.aborted };
  });
  line.clear();
  if (flags.json) console.log(JSON.stringify({ ...result, dryRun }));
  else console.log(summary(result, dryRun));
  if (isInterrupted)
    throw new OperatorError('INTERRUPTED', 'Interrupted', 'start it again: repeating is harmless');
}

function summary(result: RangeReplay, dryRun: boolean): string {
  const { read, started, duplicates, deadLetters, deadLettersBefore } = result;
  const buried = Object.values(deadLetters).reduce((sum, count) => sum + count, 0);
  const before = `${deadLettersBefore} have been dead letters before and were left alone`;
  if (dryRun) return `${read - deadLettersBefore} messages would be handed to Temporal; ${before}.`;
  return `${read} messages: ${started} have a workflow of their own, ${duplicates} are duplicates, ${buried} became dead letters; ${before}.`;
}
