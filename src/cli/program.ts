import { Command } from 'commander';
import { VERSION } from '../program/version.ts';
import { addBridgeCommand } from './bridge-command.ts';
import { addCapacityCommand } from '../operate/capacity/capacity-command.ts';
import { addCompletionCommand } from './completion-command.ts';
import { addConfigCommand } from './config-command.ts';
import { addDeadLettersCommand } from '../operate/dead-letters/dead-letters-command.ts';
import { addDoctorCommand } from '../operate/doctor/doctor-command.ts';
import { addLagCommand } from '../operate/lag/lag-command.ts';
import { addOrdersCommand } from '../operate/orders/orders-command.ts';
import { addProduceCommand } from '../operate/produce/produce-command.ts';
import { addReconcileCommand } from '../operate/reconcile/reconcile-command.ts';
import { addReplayCommand } from '../operate/replay/replay-command.ts';
import { addSetupCommand } from '../operate/setup/setup-command.ts';
import { addTopCommand } from '../operate/top/top-command.ts';
import { addWorkerCommand } from './worker-command.ts';

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
