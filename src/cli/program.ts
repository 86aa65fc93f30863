import { Command } from 'commander';
import { VERSION } from '../program/version.ts';
import { addBridgeCommand } from './bridge.ts';
import { addCapacityCommand } from './capacity.ts';
import { addCompletionCommand } from './completion.ts';
import { addConfigCommand } from './config.ts';
import { addDeadLettersCommand } from './dead-letters/command.ts';
import { addDoctorCommand } from './doctor.ts';
import { addLagCommand } from './lag.ts';
import { addOrdersCommand } from './orders/command.ts';
import { addProduceCommand } from './produce.ts';
import { addReconcileCommand } from './reconcile.ts';
import { addReplayCommand } from './replay.ts';
import { addSetupCommand } from './setup.ts';
import { addTopCommand } from './top.ts';
import { addWorkerCommand } from './worker.ts';

/** The whole command line. Each command loads what it runs only when it is called. */
export function createProgram(): Command {
  const program = new Command('order-ingest')
    .description('Brings orders from Kafka through Temporal into Postgres, none lost, none twice.')
    .version(VERSION)
    .option('--env-file <file>', 'read settings from this file too; the environment goes first')
    .option('--verbose', 'show where an error comes from')
    .addHelpText(
      'after',
      `
Exit codes:
  0    done
  1    not done, or something is not as it should be: the last lines on stderr say what
  2    the command line is wrong
  130  ended by a second Ctrl-C (143: by a second SIGTERM)
  141  nobody reads the output any more, as with \`| head\``,
    )
    .helpCommand(false)
    .showHelpAfterError('(order-ingest --help shows the commands)')
    .exitOverride();
  addSetupCommand(program);
  addBridgeCommand(program);
  addWorkerCommand(program);
  addProduceCommand(program);
  addOrdersCommand(program);
  addLagCommand(program);
  addTopCommand(program);
  addDoctorCommand(program);
  addDeadLettersCommand(program);
  addReconcileCommand(program);
  addReplayCommand(program);
  addCapacityCommand(program);
  addConfigCommand(program);
  addCompletionCommand(program);
  return program;
}
