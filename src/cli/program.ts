import { Command } from 'commander';
import { VERSION } from '../program/version.ts';
import { addBridgeCommand } from './bridge.ts';
import { addConfigCommand } from './config.ts';
import { addProduceCommand } from './produce.ts';
import { addSetupCommand } from './setup.ts';
import { addWorkerCommand } from './worker.ts';

/** The whole command line. Each command loads what it runs only when it is called. */
export function createProgram(): Command {
  const program = new Command('order-ingest')
    .description('Brings orders from Kafka through Temporal into Postgres, none lost, none twice.')
    .version(VERSION)
    .option('--env-file <file>', 'read settings from this file too; the environment goes first')
    .helpCommand(false)
    .showHelpAfterError('(order-ingest --help shows the commands)')
    .exitOverride();
  addSetupCommand(program);
  addBridgeCommand(program);
  addWorkerCommand(program);
  addProduceCommand(program);
  addConfigCommand(program);
  return program;
}
