import type { Command } from 'commander';
import { continueOnBrokenPipe, forceExitAfterGrace } from '../program/exit.ts';
import { processSignals } from '../program/shutdown-signals.ts';
import { environmentOf } from '../terminal/environment.ts';

export function addRunCommand(program: Command): void {
  program
    .command('run')
    .description('Run a bridge and a worker in one process; requires Kafka, Temporal and Postgres')
    .addHelpText(
      'after',
      `
For small deployments and the lowest latency: the worker begins with an order as soon as Temporal has
recorded it. \`bridge\` and \`worker\` can be scaled, deployed and versioned separately.

Example:
  KAFKA_BROKERS=localhost:9092 DATABASE_URL=postgres://user:password@localhost:5432/orders order-ingest run`,
    )
    .action(async (_options, command: Command) => {
      continueOnBrokenPipe();
      const { runAllInOne } = await import('../all-in-one/run-all-in-one.ts');
      await runAllInOne(environmentOf(command), processSignals).finally(forceExitAfterGrace);
    });
}
