import type { Command } from 'commander';
import { continueOnBrokenPipe, forceExitAfterGrace } from '../program/exit.ts';
import { processSignals } from '../program/shutdown-signals.ts';
import { environmentOf } from '../terminal/environment.ts';

export function addBridgeCommand(program: Command): void {
  program
    .command('bridge')
    .description('Consume the topic and start one workflow per order; requires Kafka and Temporal')
    .addHelpText('after', '\nExample:\n  KAFKA_BROKERS=localhost:9092 order-ingest bridge')
    .action(async (_options, command: Command) => {
      continueOnBrokenPipe();
      const { runBridge } = await import('../bridge/run-bridge.ts');
      await runBridge(environmentOf(command), processSignals).finally(forceExitAfterGrace);
    });
}
