import { Command } from 'commander';
import { VERSION } from '../program/version.ts';
import { addBridgeCommand } from './bridge-command.ts';
import { addCapacityCommand } from '../operate/capacity/capacity-command.ts';
import { addCompletionCommand } from './completion-command.ts';
import { addCodecServerCommand } from '../operate/codec-server/codec-server-command.ts';
import { addConfigCommand } from './config-command.ts';
import { addDeadLettersCommand } from '../operate/dead-letters/dead-letters-command.ts';
import { addDeployCommand } from '../operate/deploy/deploy-command.ts';
import { addDoctorCommand } from '../operate/doctor/doctor-command.ts';
import { addLagCommand } from '../operate/lag/lag-command.ts';
import { addOrdersCommand } from '../operate/orders/orders-command.ts';
import { addProduceCommand } from '../operate/produce/produce-command.ts';
import { addReconcileCommand } from '../operate/reconcile/reconcile-command.ts';
import { addReplayCommand } from '../operate/replay/replay-command.ts';
import { addResumeCommand } from '../operate/resume/resume-command.ts';
import { addRunCommand } from './run-command.ts';
import { addSetupCommand } from '../operate/setup/setup-command.ts';
import { addTemporalCommand } from '../operate/temporal/temporal-command.ts';
import { addTopCommand } from '../operate/top/top-command.ts';
import { addWorkerCommand } from './worker-command.ts';

/** The whole command line. A command loads its implementation only when it runs. */
export function createProgram(): Command {
  const program = new Command('order-ingest')
    .description('Ingests orders from Kafka into Postgres, with one Temporal workflow per order.')
    .version(VERSION)
    .option(
      '--env-file <file>',
      'also read settings from this file; environment variables take precedence',
    )
    .option('--verbose', 'print errors with their stack traces')
    .addHelpText(
      'after',
      `
Exit codes:
  0    success
  1    failure, or a problem found; the last lines on stderr give the reason
  2    invalid command line
  130  terminated by Ctrl-C (143: by SIGTERM). A command that runs until it is stopped shuts down and exits
       with 0 at the first signal, unless it is still starting; a second signal terminates it
  141  terminated because the output was closed, for example by \`| head\``,
    )
    .helpCommand(false)
    .showHelpAfterError('(add --help for usage)')
    .exitOverride();
  addSetupCommand(program);
  addBridgeCommand(program);
  addWorkerCommand(program);
  addRunCommand(program);
  addProduceCommand(program);
  addOrdersCommand(program);
  addLagCommand(program);
  addTopCommand(program);
  addDeployCommand(program);
  addDoctorCommand(program);
  addDeadLettersCommand(program);
  addReconcileCommand(program);
  addReplayCommand(program);
  addResumeCommand(program);
  addCapacityCommand(program);
  addCodecServerCommand(program);
  addTemporalCommand(program);
  addConfigCommand(program);
  addCompletionCommand(program);
  return program;
}
