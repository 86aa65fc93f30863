import type { Command } from 'commander';
import { continueOnBrokenPipe, forceExitAfterGrace } from '../program/exit.ts';
import { processSignals } from '../program/shutdown-signals.ts';
import { environmentOf } from '../terminal/environment.ts';

export function addWorkerCommand(program: Command): void {
  program
    .command('worker')
    .description('Run the workflows: translate and store orders; requires Temporal and Postgres')
    .addHelpText(
      'after',
      '\nExample:\n  DATABASE_URL=postgres://user:password@localhost:5432/orders order-ingest worker',
    )
    .action(async (_options, command: Command) => {
      continueOnBrokenPipe();
      const { runWorker } = await import('../worker/run-worker.ts');
      await runWorker(environmentOf(command), processSignals).finally(forceExitAfterGrace);
    });
}
